"""What changes a stack: tiles, state, what is said of it, its name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rendergateway.later import LaterModule
from rendergateway.progress import Progress
from rendergateway.wrappers.core.arguments import as_state, check_new_name
from rendergateway.wrappers.core.templates import changes_data
from rendergateway.wrappers.editing import versions as describing
from rendergateway.wrappers.editing.versions import KEEP
from rendergateway.wrappers.objects.stack_copies import StackCopies

if TYPE_CHECKING:
    from rendergateway.model import PathBuilder
    from rendergateway.wrappers.editing import deletions as removing
    from rendergateway.wrappers.editing import edit as editing
    from rendergateway.wrappers.editing.deletions import Removal
    from rendergateway.wrappers.editing.edit import StackEdit
    from rendergateway.wrappers.objects.stack import StackWrapper
else:
    editing = LaterModule("rendergateway.wrappers.editing.edit")
    removing = LaterModule("rendergateway.wrappers.editing.deletions")

__all__ = ["StackChanges"]


class StackChanges(StackCopies):
    """The verbs of a stack that change it, or make another one of it."""

    __slots__ = ()

    # Tiles

    @changes_data
    def editing(
        self,
        *,
        workers: int = 1,
        batch: int = 5000,
        complete: bool = True,
        progress: Progress = None,
        patience_s: float = 60.0,
    ) -> StackEdit:
        """
        Return a context in which tiles of this stack are put, changed and deleted.

        Parameters
        ----------
        workers : int
            Requests made at once.
        batch : int
            Tiles a request.
        complete : bool
            Whether the stack becomes COMPLETE when the block ends. After an error it stays LOADING, and the error
            says so.
        progress : None, bool or callable
            A bar on a terminal, or a function that is called with the number of tiles saved in a call.
        patience_s : float
            How long a service that is gone is waited for; then the batches that it had not confirmed are sent again.

        Raises
        ------
        StaleStackError
            On entering, if others changed the stack since it was read here; on leaving, if they did meanwhile.

        Notes
        -----
        As `StackEdit`.
        """
        return editing.StackEdit(
            self._stack, workers=workers, batch=batch, complete=complete, progress=progress, patience_s=patience_s
        )

    @changes_data
    def set_state(self, state: str) -> None:
        """
        Change the state.

        Parameters
        ----------
        state : str
            LOADING, COMPLETE, READ_ONLY or OFFLINE. OFFLINE drops all tiles and transforms for good; what is said of
            the stack stays.

        Raises
        ------
        ValueError
            If there is no such state.
        StackStateError
            If there is no way from the present state to that one.

        Notes
        -----
        One request, ``stack.set_state``.
        """
        self._call("stack.set_state", state=as_state(state))

    @changes_data
    def delete(self, *, dry_run: bool = False) -> Removal | None:
        """
        Delete the stack with all its tiles and transforms.

        Parameters
        ----------
        dry_run : bool
            Whether only to look what would go.

        Returns
        -------
        Removal or None
            What would go, of a dry run.

        Notes
        -----
        One request, ``stack.delete``. A dry run asks ``stack.read`` and, where the stack is LOADING,
        ``stack.tile_ids`` and ``stack.z_values``.
        """
        if dry_run:
            return removing.count_stack(self._stack)
        self._call("stack.delete")
        return None

    # What is said of it

    @changes_data
    def set(
        self,
        *,
        resolution_nm: Sequence[float | None] | None = KEEP,
        cycle: tuple[int, int] | None = KEEP,
        default_channel: str | None = KEEP,
        box_root_path: str | None = KEEP,
        path_builder: PathBuilder | None = KEEP,
        **others: Any,
    ) -> None:
        """
        Change what is said of the present version; the stack stays as open or closed as it is.

        Parameters
        ----------
        resolution_nm : (float, float, float) or None
            Nanometres a pixel in x and y, and the thickness of a section; None forgets it.
        cycle : (int, int) or None
            Number and step number of the processing.
        default_channel : str or None
            The channel that is drawn where none is asked for.
        box_root_path : str or None
            Where materialised boxes lie.
        path_builder : PathBuilder or None
            Where the smaller levels of the images lie.

        Raises
        ------
        TypeError
            If something else is named. Notes are said once a version: `new_version` begins another.
        StackStateError
            If the stack is READ_ONLY.

        Notes
        -----
        One request for each thing that is given: ``stack.set_resolution``, ``stack.set_cycle``, … or, for None,
        ``stack.clear_resolution``, …
        """
        describing.check_names(others)
        given = {
            "resolution_nm": resolution_nm,
            "cycle": cycle,
            "default_channel": default_channel,
            "box_root_path": box_root_path,
            "path_builder": path_builder,
        }
        for name, value in given.items():
            if value is not KEEP:
                describing.set_one(self._stack, name, value)

    @changes_data
    def new_version(
        self,
        *,
        notes: str | None = None,
        resolution_nm: tuple[float, float, float] | None = None,
        cycle: tuple[int, int] | None = None,
        **edit: Any,
    ) -> StackEdit:
        """
        Return a context in which the stack has its next version: entering it reopens the stack.

        Tiles and transforms stay. What the service counted, and hierarchical data, go; the log says that the stack is
        opened.

        Parameters
        ----------
        notes : str, optional
            Free text.
        resolution_nm, cycle : optional
            As in `set`. What is not given is that of the present version.
        **edit
            As `editing` takes them.

        Raises
        ------
        StackStateError
            On entering, if the stack is READ_ONLY.

        Notes
        -----
        As `editing`, with ``stack.create`` in the place of the first ``stack.set_state``; that request is made once,
        whatever becomes of it.
        """
        version = describing.new_version(notes, resolution_nm, cycle, of=self._stack.version)
        return editing.StackEdit(self._stack, version=version, **edit)

    @changes_data
    def rename(self, name: str, *, owner: str | None = None, project: str | None = None) -> StackWrapper:
        """
        Give the stack another name, project or owner; return the stack of that name.

        Tiles, state, version and counts stay; hierarchical data goes.

        Parameters
        ----------
        name : str
            ``[[owner/]project/]stack``.
        owner, project : str, optional
            This stack's unless given.

        Raises
        ------
        BadRequestError
            If there is a stack of that name; or a service would rename to it and find nothing under it any more.
        StackStateError
            If the stack is READ_ONLY or OFFLINE.

        Notes
        -----
        One request, ``stack.rename``. This object still means the old name, under which nothing is found any more.
        """
        renamed = self._sibling(name, owner, project)
        check_new_name(renamed._key._asdict())
        try:
            self._call("stack.rename", body=renamed._key._asdict())
        finally:
            # What was read of either name is old, whatever became of the request.
            self._conn._wrote(renamed._key._asdict())
        return renamed
