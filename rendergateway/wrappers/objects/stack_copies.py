"""Other stacks made of a stack: clones, copies, what goes again; and the stack held as it is."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, cast

from rendergateway.later import LaterModule
from rendergateway.model import StackRecord
from rendergateway.progress import Progress
from rendergateway.wrappers.core.object import ObjectWrapper
from rendergateway.wrappers.core.templates import changes_data

if TYPE_CHECKING:
    from rendergateway.gateway import Gateway
    from rendergateway.model import TileTable
    from rendergateway.wrappers.core.keys import StackKey
    from rendergateway.wrappers.editing import copying, temporary
    from rendergateway.wrappers.objects.stack import StackWrapper
    from rendergateway.wrappers.reading import snapshot as pinning
    from rendergateway.wrappers.reading.layers import Sections
else:
    copying = LaterModule("rendergateway.wrappers.editing.copying")
    pinning = LaterModule("rendergateway.wrappers.reading.snapshot")
    temporary = LaterModule("rendergateway.wrappers.editing.temporary")

__all__ = ["StackCopies"]


class StackCopies(ObjectWrapper[StackRecord]):
    """The verbs of a stack that make another one of it."""

    __slots__ = ()

    _key: StackKey

    @property
    def _stack(self) -> StackWrapper:
        return cast("StackWrapper", self)

    @changes_data
    def clone_to(
        self,
        name: str,
        *,
        project: str | None = None,
        sections: Sections | None = None,
        complete: bool = False,
        transforms: bool = True,
        notes: str | None = None,
    ) -> StackWrapper:
        """
        Let the service copy the stack, or some sections of it, for the same owner.

        What is said of the version (resolution, cycle, channel, notes) goes along.

        Parameters
        ----------
        name : str
            ``[project/]stack``.
        project : str, optional
            This stack's unless given.
        sections : z, SectionWrapper or iterable of these, optional
            All unless given. Shared transforms are copied all.
        complete : bool
            Whether the copy becomes COMPLETE; else it is LOADING.
        transforms : bool
            Whether shared transforms are copied; without them, tiles that refer to them cannot be read until they are
            put.
        notes : str, optional
            Free text, in the place of this version's.

        Returns
        -------
        StackWrapper
            The copy.

        Raises
        ------
        BadRequestError
            If there is a stack of that name.
        NotFoundError
            If the stack does not have one of the sections.
        ValueError
            If the owner is another one: `copy_to` does that.

        Notes
        -----
        ``stack.read`` of both, ``stack.clone``, and ``stack.set_state`` for a complete one; first ``stack.z_values``
        where sections are given.
        """
        target = self._sibling(name, None, project)
        return copying.clone(
            self._stack, target, sections=sections, complete=complete, transforms=transforms, notes=notes
        )

    @changes_data
    def copy_to(
        self,
        name: str,
        *,
        owner: str | None = None,
        project: str | None = None,
        gateway: Gateway | None = None,
        tiles: bool = True,
        sections: Sections | None = None,
        edit: Callable[[TileTable], TileTable] | None = None,
        boxes: str = "keep",
        complete: bool = True,
        resume: bool = False,
        workers: int = 2,
        batch: int = 5000,
        progress: Progress = None,
        patience_s: float = 60.0,
    ) -> StackWrapper:
        """
        Copy the stack through this process: to another owner or server, or with changes.

        Layers are read, changed and saved one after the other; about as many as there are workers are in memory. Tiles
        stay linked to their shared transforms, which go along, and what is said of the version does too.

        Parameters
        ----------
        name : str
            ``[[owner/]project/]stack``.
        owner, project : str, optional
            This stack's unless given.
        gateway : Gateway, optional
            To the server of the copy; this one unless given.
        tiles : bool
            Whether tiles are copied; else the new stack is empty, and LOADING.
        sections : z, SectionWrapper or iterable of these, optional
            All unless given.
        edit : callable, optional
            Is given the `TileTable` of each layer, of a layer of more than 20 000 tiles in pieces, and returns the
            table that is saved.
        boxes : {'keep', 'service', 'here'}
            As in `StackEdit.put`. A box that is kept is derived anew where *edit* changed the tile's transforms or
            size, but not its box.
        complete : bool
            Whether the copy becomes COMPLETE; else it is LOADING.
        resume : bool
            Go on with a copy that broke off: sections that are there with as many tiles are left as they are; with
            *edit* all are saved again. Tiles of the same id are replaced.
        workers, batch, progress, patience_s
            As in `editing`.

        Returns
        -------
        StackWrapper
            The copy, of the other gateway where one is given.

        Raises
        ------
        BadRequestError
            If there is a stack of that name; with *resume*, if it is not LOADING.
        NotFoundError
            If the stack does not have one of the sections.
        StaleStackError
            If this stack was changed by others meanwhile; the copy is left LOADING.
        RecordError
            If *edit* gave several tiles one id.

        Notes
        -----
        After an error, and after Ctrl-C, the copy is left LOADING and a note on the error tells how to go on. For each
        layer one ``section.resolved_tiles`` here and a ``stack.save_tiles`` a batch there, small layers together;
        before and after, ``stack.read``, ``stack.z_values`` and ``stack.section_data`` here, ``stack.read``,
        ``stack.create`` and ``stack.set_state`` there.
        """
        target = self._sibling(name, owner, project, gateway)
        z_values = copying.chosen_z(self._stack, sections)
        if resume:
            copying.check_resumable(target)
        else:
            copying.make_like(self._stack, target)
        if tiles:
            copy = copying.Copy(self._stack, target, sections=z_values, edit=edit, boxes=boxes)
            copy.run(
                workers=workers,
                batch=batch,
                complete=complete,
                resume=resume,
                progress=progress,
                patience_s=patience_s,
            )
        return target

    @changes_data
    @contextlib.contextmanager
    def temporary(self, *, notes: str | None = "temporary") -> Iterator[StackWrapper]:
        """
        Give an empty stack beside this one, of which the same is said; it goes when the block ends, however it ends.

        Parameters
        ----------
        notes : str, optional
            Free text.

        Notes
        -----
        ``stack.read``, ``stack.create`` and, at the end, ``stack.delete``.
        """
        target = self._sibling(temporary.temporary_name(self.name), None, None)
        with temporary.deleted_at_the_end(target):
            yield copying.make_like(self._stack, target, notes=notes)

    def pinned(self) -> AbstractContextManager[StackWrapper]:
        """
        Give this stack for reading what must not change meanwhile.

        Version and time of change are looked at after each request for the stack, whichever of its objects makes it.
        Those objects end with the block: what they have read stays, more is not read.

        Raises
        ------
        StackStateError
            On entering, if the stack is LOADING: its tiles change without a trace.
        StaleStackError
            From the first request after a change.

        Notes
        -----
        One request, ``stack.read``, on entering; and one after each other request.
        """
        return pinning.pinned(self._stack)

    def _sibling(
        self, name: str, owner: str | None, project: str | None, gateway: Gateway | None = None
    ) -> StackWrapper:
        """Return the stack of a name that says as much as differs from this one's."""
        conn = gateway if gateway is not None else self._conn
        return conn.stack(name, owner=owner or self._key.owner, project=project or self._key.project)
