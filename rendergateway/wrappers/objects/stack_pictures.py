"""What a stack can be asked for as pictures, and as files of them: thin methods over `picturing` and `exporting`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from rendergateway.geometry import Bounds
from rendergateway.later import LaterModule
from rendergateway.model import RenderParameters, StackRecord
from rendergateway.progress import Progress
from rendergateway.wrappers.core.object import ObjectWrapper
from rendergateway.wrappers.core.templates import changes_data

if TYPE_CHECKING:
    from rendergateway.model.tables.row_table import RowTable
    from rendergateway.wrappers.core.arguments import ZRange
    from rendergateway.wrappers.images import options as picture_options
    from rendergateway.wrappers.images import render as picturing
    from rendergateway.wrappers.images.export import Exported
    from rendergateway.wrappers.images.picture import Picture
    from rendergateway.wrappers.objects.stack import StackWrapper
else:
    picture_options = LaterModule("rendergateway.wrappers.images.options")
    picturing = LaterModule("rendergateway.wrappers.images.render")

__all__ = ["StackPictures"]


class StackPictures(ObjectWrapper[StackRecord]):
    """Pictures of a stack, and the files that they are made of."""

    __slots__ = ()

    @property
    def _pictured(self) -> StackWrapper:
        return cast("StackWrapper", self)

    def image(self, z: float, box: Bounds | None = None, *, scale: float = 1.0, **options: Any) -> Picture:
        """
        Draw a box of one section, or all of it; parameters, errors and requests as `SectionWrapper.image`.

        Parameters
        ----------
        z : float
            Which section.
        box, scale, **options
            As for `SectionWrapper.image`.
        """
        return self._pictured.section(z).image(box, scale=scale, **options)

    def render_parameters(
        self, z: float, box: Bounds | None = None, *, scale: float = 1.0, **options: Any
    ) -> RenderParameters:
        """Return the recipe of a picture of one section, as `SectionWrapper.render_parameters`."""
        return self._pictured.section(z).render_parameters(box, scale=scale, **options)

    def url(
        self, z: float, format: str = "png", *, box: Bounds | None = None, scale: float = 1.0, **options: Any
    ) -> str:
        """
        Return the address of a picture of one section, for pages, as `SectionWrapper.url`.

        Parameters
        ----------
        z : float
            Which section.
        format, box, scale, **options
            As for `SectionWrapper.url`.

        Notes
        -----
        No request where the stack is loaded, and *box* is given or the section's bounds are known.
        """
        return self._pictured.section(z).url(format, box=box, scale=scale, **options)

    def slice(
        self,
        axis: str = "xz",
        *,
        at: float,
        z: ZRange = None,
        box: Bounds | None = None,
        scale: float = 1.0,
        workers: int = 4,
        progress: Progress = None,
        **options: Any,
    ) -> Picture:
        """
        Draw a slice across the sections: a row for each section, by z.

        Parameters
        ----------
        axis : {'xz', 'yz'}
            What runs along the columns; rows are sections. Missing z values have no row.
        at : float
            Where on the other axis, in world pixels: y of an xz slice, x of a yz one.
        z : (float, float) or float, optional
            Only these sections.
        box : Bounds, optional
            What part along the axis is shown; that of the stack's bounds unless given.
        scale : float
            Pixels of the picture for one world pixel, along the axis.
        workers : int
            Requests made at once.
        progress : bool or callable, optional
            As everywhere.
        **options
            Those of `PictureOptions` but *channels*.

        Raises
        ------
        ImageError
            If there are no sections or bounds, and as `SectionWrapper.image`.

        Notes
        -----
        ``stack.z_values`` and, without *box*, ``stack.read``; then one request for each section, as
        `SectionWrapper.image`.
        """
        return picturing.slice_of(
            self._pictured, axis, at, z, box, scale, picture_options.PictureOptions(**options), workers, progress
        )

    @changes_data
    def export(
        self,
        to: str | os.PathLike[str],
        *,
        format: str = "png",
        scale: float = 1.0,
        z: ZRange = None,
        box: Bounds | None = None,
        overwrite: bool = False,
        workers: int = 2,
        progress: Progress = None,
        **options: Any,
    ) -> Exported:
        """
        Write whole sections, or a box of each, to files: ``00003.0.png`` for z = 3.

        Each file is written whole or not at all. What was exported before is left as it is, unless the stack has
        changed since or it is to look otherwise (that an image file changed is not noticed); an export that was broken
        off is taken up where it ended.

        Parameters
        ----------
        to : str or Path
            Folder; made where it is missing.
        format : {'png', 'jpg', 'tif'}
            Of the files.
        scale : float
            Pixels of the pictures for one world pixel.
        z : (float, float) or float, optional
            Only these sections.
        box : Bounds, optional
            The same part of each: ``stack.bounds`` for pictures that lie on each other. Else each is shown whole.
        overwrite : bool
            Whether files that are there are written again in any case, as those of a LOADING stack are.
        workers : int
            Pictures under way at once.
        progress : bool or callable, optional
            As everywhere.
        **options
            Those of `PictureOptions`.

        Returns
        -------
        Exported
            The files, and how many of them were written now.

        Raises
        ------
        ImageError
            If there is no such format, a file of that name was not made by an export of this stack and *overwrite* is
            not said, and as `SectionWrapper.image`; what was written before stays.

        Notes
        -----
        ``stack.read``, ``stack.z_values``; then for each section that is drawn as `SectionWrapper.image`.
        """
        from rendergateway.wrappers.images.export import export

        return export(
            self._pictured, to, kind=format, scale=scale, z=z, box=box, overwrite=overwrite, workers=workers,
            progress=progress, options=picture_options.PictureOptions(**options),
        )  # fmt: skip

    def check_images(
        self, z: ZRange = None, *, levels: Sequence[int] | None = None, workers: int = 8, progress: Progress = None
    ) -> RowTable:
        """
        Look at the images and masks that tiles name: which are missing, unreadable or of another size.

        They are opened here, where ``Gateway(image_paths=…)`` says, and decoded whole.

        Parameters
        ----------
        z : (float, float) or float, optional
            Only those of these sections.
        levels : sequence of int, optional
            Only these levels of the pyramids, 0 for full size; all that tiles name unless given.
        workers : int
            Images looked at at once.
        progress : bool or callable, optional
            As everywhere; counts images.

        Returns
        -------
        RowTable
            A row for each problem: *tile_id*, *z*, *channel*, *level*, *url*, *problem*. Empty where all is well.

        Notes
        -----
        As `iter_tiles`.
        """
        from rendergateway.wrappers.images.checks import check_images

        return check_images(self._pictured, z, levels, workers, progress)
