"""Stacks that a gateway makes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rendergateway.errors import BadRequestError
from rendergateway.gateway.naming import NamedObjects
from rendergateway.later import LaterModule
from rendergateway.wrappers.core.templates import changes_data
from rendergateway.wrappers.editing import versions as describing

if TYPE_CHECKING:
    from rendergateway.wrappers.editing import temporary
    from rendergateway.wrappers.objects.stack import StackWrapper
else:
    temporary = LaterModule("rendergateway.wrappers.editing.temporary")

__all__ = ["StackMaking"]


class StackMaking(NamedObjects):
    """Stacks made anew, for good or for a while."""

    @changes_data
    def create_stack(
        self,
        name: str,
        *,
        owner: str | None = None,
        project: str | None = None,
        resolution_nm: tuple[float, float, float] | None = None,
        notes: str | None = None,
        exist_ok: bool = False,
    ) -> StackWrapper:
        """
        Make an empty stack, LOADING until its first edit ends.

        Parameters
        ----------
        name : str
            ``[[owner/]project/]stack``.
        owner, project : str, optional
            Where the name does not say.
        resolution_nm : (float, float, float), optional
            Nanometres a pixel in x and y, and the thickness of a section. Nothing is invented where it is not given.
        notes : str, optional
            Free text.
        exist_ok : bool
            Whether a stack that is there is returned as it is, neither opened nor changed.

        Raises
        ------
        BadRequestError
            If a stack of that name exists, and may not or has another resolution; or the name is none.

        Notes
        -----
        Two requests, ``stack.read`` and ``stack.create``: the service would reopen a stack that is there.
        """
        stack = self.stack(name, owner=owner, project=project)
        version = describing.new_version(notes, resolution_nm)
        if not describing.is_there(stack):
            self.call("stack.create", **stack._key._asdict(), body=version)
        elif not exist_ok:
            raise BadRequestError(f"{stack!r} exists; stack.editing() adds to it, stack.delete() makes room")
        elif resolution_nm is not None and stack.resolution_nm != tuple(resolution_nm):
            raise BadRequestError(f"{stack!r} exists with the resolution {stack.resolution_nm}; stack.set() changes it")
        return stack

    @changes_data
    @contextlib.contextmanager
    def temporary_stack(self, stem: str = "stack", **options: Any) -> Iterator[StackWrapper]:
        """
        Give a new stack under a name that no other has; it goes when the block ends, however it ends.

        Parameters
        ----------
        stem : str
            What the name begins with: ``[[owner/]project/]stack``.
        **options
            As `create_stack` takes them.

        Examples
        --------
        >>> from rendergateway import Gateway
        >>> with Gateway("embedded:", owner="lab", project="cortex") as gateway:
        ...     with gateway.temporary_stack("trial") as stack:
        ...         print(stack.state)
        ...     print(len(gateway.stacks()))
        LOADING
        0
        """
        where = {name: options[name] for name in ("owner", "project") if name in options}
        stack = self.stack(temporary.temporary_name(stem), **where)
        # Begun before it is made: a request that was interrupted may have been carried out.
        with temporary.deleted_at_the_end(stack):
            yield self.create_stack("/".join(stack._key), **options)
