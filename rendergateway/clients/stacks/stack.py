"""``StackClient``: create, clone, rename, set the state of, or delete a stack."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Literal

import attrs

from rendergateway import StackWrapper
from rendergateway.clients.base.groups import ServiceOptions
from rendergateway.clients.base.options import Client, flag, group, many, option, required
from rendergateway.errors import CommandError
from rendergateway.model.records.stacks import StackVersion

__all__ = ["StackClient"]


@attrs.frozen
class StackClient(Client):
    """Create, clone, rename, set the state of, or delete a stack or some of its sections."""

    service: ServiceOptions = group(ServiceOptions)
    stack: str = required("Stack.")
    action: Literal["CREATE", "CLONE", "RENAME", "SET_STATE", "DELETE"] = required("What to do.")
    stack_state: Literal["LOADING", "COMPLETE", "READ_ONLY", "OFFLINE"] | None = option(help="New state.")
    version_notes: str | None = option(help="Notes of the new version.")
    cycle_number: int | None = option(help="Processing cycle of the new version.")
    cycle_step_number: int | None = option(help="Step of the processing cycle.")
    stack_resolution_x: float | None = option(help="Nanometres per pixel in x.")
    stack_resolution_y: float | None = option(help="Nanometres per pixel in y.")
    stack_resolution_z: float | None = option(help="Section thickness in nanometres.")
    materialized_box_root_path: str | None = option(help="Folder of materialised boxes.")
    alignment_quality: float | None = option(help="Alignment quality of the new version.")
    default_channel_name: str | None = option(help="Channel that is drawn by default.")
    clone_result_project: str | None = option(help="Project of the clone. Default: that of the stack.")
    clone_result_stack: str | None = option(help="Name of the clone.")
    renamed_owner: str | None = option(help="Owner after renaming. Default: that of the stack.")
    renamed_project: str | None = option(help="Project after renaming. Default: that of the stack.")
    renamed_stack: str | None = option(help="Name after renaming.")
    section_id: str | None = option(help="Section to delete.")
    skip_shared_transform_clone: bool = flag("Clone without the shared transforms.")
    z_values: tuple[str, ...] = many("Sections to clone or delete. Default: all.")

    def run(self) -> None:
        """Do the action."""
        with self.service.gateway() as gateway:
            stack = gateway.stack(self.stack)
            if self.action == "CREATE":
                gateway.call("stack.create", **stack._key._asdict(), body=self._version())
            elif self.action == "CLONE":
                self._clone(stack)
            elif self.action == "RENAME":
                name = _given(self.renamed_stack, "--renamedStack")
                stack.rename(name, owner=self.renamed_owner, project=self.renamed_project)
            elif self.action == "SET_STATE":
                stack.set_state(_given(self.stack_state, "--stackState"))
            else:
                self._delete(stack)

    def _version(self) -> StackVersion:
        fields = {
            "created": datetime.now(timezone.utc),
            "notes": self.version_notes,
            "cycle_number": self.cycle_number,
            "cycle_step_number": self.cycle_step_number,
            "resolution_x_nm": self.stack_resolution_x,
            "resolution_y_nm": self.stack_resolution_y,
            "resolution_z_nm": self.stack_resolution_z,
            "box_root_path": self.materialized_box_root_path,
            "alignment_quality": self.alignment_quality,
            "default_channel": self.default_channel_name,
        }
        return StackVersion().evolve(**{name: value for name, value in fields.items() if value is not None})

    def _clone(self, stack: StackWrapper) -> None:
        stack.clone_to(
            _given(self.clone_result_stack, "--cloneResultStack"),
            project=self.clone_result_project,
            sections=[float(z) for z in self.z_values] or None,
            transforms=not self.skip_shared_transform_clone,
        )

    def _delete(self, stack: StackWrapper) -> None:
        if self.section_id is not None:
            stack.section(section_id=self.section_id).delete()
        elif self.z_values:
            for z in self.z_values:
                stack.section(float(z)).delete()
        else:
            stack.delete()


def _given(value: str | None, name: str) -> str:
    if value is None:
        raise CommandError(f"missing {name} value")
    return value
