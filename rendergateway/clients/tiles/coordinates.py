"""``CoordinateClient``: points of files mapped between tiles, stacks and the world."""

from __future__ import annotations

from pathlib import Path

import attrs

from rendergateway.clients.base.groups import ServiceOptions
from rendergateway.clients.base.messages import say
from rendergateway.clients.base.options import Client, flag, group, option, required
from rendergateway.errors import CommandError

__all__ = ["CoordinateClient"]


@attrs.frozen
class CoordinateClient(Client):
    """Map world points of a file to tiles, points of tiles to the world, or world points to those of another stack."""

    service: ServiceOptions = group(ServiceOptions)
    stack: str = required("Stack of the points.")
    to_owner: str | None = option(help="Owner of the other stack. Default: that of the stack.")
    to_project: str | None = option(help="Project of the other stack. Default: that of the stack.")
    to_stack: str | None = option(help="Other stack, for a round trip.")
    z: float | None = option(help="Section of all points. Default: points have their own z.")
    from_json: str | None = option(help="File of points (.json or .json.gz).")
    to_json: str | None = option(help="File for the mapped points.")
    local_to_world: bool = flag("Map points of tiles to the world. Default: world points to tiles.")
    from_swc_directory: str | None = option(help="Folder of SWC files.")
    to_swc_directory: str | None = option(help="Folder for the mapped SWC files.")
    number_of_threads: int = option(1, help="Batches of points at a time.")

    def run(self) -> None:
        """Map all points, then write the result."""
        from rendergateway.batch.coordinates import map_coordinate_file, map_swc_folder

        source, target = self._places()
        workers = max(1, self.number_of_threads)
        with self.service.gateway() as gateway:
            stack = gateway.stack(self.stack)
            other = None
            if self.to_stack is not None and not self.local_to_world:
                other = gateway.stack(self.to_stack, owner=self.to_owner, project=self.to_project)
            if self.from_json is None and other is not None:
                folder = map_swc_folder(stack, source, target, to_stack=other, workers=workers)
                count, failed = folder.count, folder.failed
            else:
                file = map_coordinate_file(
                    stack,
                    source,
                    target,
                    z=self.z,
                    to="world" if self.local_to_world else "local",
                    to_stack=other,
                    workers=workers,
                )
                count, failed = file.count, file.failed
            if failed:
                say(f"WARN: {failed} of {count} points could not be mapped; see the errors in {target}")

    def _places(self) -> tuple[str, str]:
        """Return the file or folder of the points, and that of the result; create the latter if it is a folder."""
        if self.from_json is not None:
            if self.to_json is None:
                raise CommandError("must specify output location with --toJson")
            return self.from_json, self.to_json
        if self.local_to_world:
            raise CommandError("--localToWorld mapping requires --fromJson to be specified")
        if self.from_swc_directory is None:
            raise CommandError("must specify input location with either --fromJson or --fromSwcDirectory")
        if self.to_swc_directory is None:
            raise CommandError("must specify output location with --toSwcDirectory")
        if not Path(self.from_swc_directory).is_dir():
            raise CommandError(f"--fromSwcDirectory {self.from_swc_directory} must be a readable directory")
        if self.to_stack is None:
            raise CommandError("--toStack must be specified for SWC mapping")
        return self.from_swc_directory, self.to_swc_directory
