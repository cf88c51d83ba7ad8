"""What tiles, sections and stacks can be asked for as pictures: thin methods over `picturing`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from rendergateway.geometry import Bounds
from rendergateway.model import RenderParameters, SectionRecord, StackRecord, TileRecord
from rendergateway.progress import Progress
from rendergateway.wrappers import picturing
from rendergateway.wrappers.object import ObjectWrapper
from rendergateway.wrappers.picture_options import PictureOptions
from rendergateway.wrappers.pictures import Picture, drawn
from rendergateway.wrappers.templates import changes_data

if TYPE_CHECKING:
    from rendergateway.model.row_table import RowTable
    from rendergateway.wrappers.exporting import Exported
    from rendergateway.wrappers.section import SectionWrapper
    from rendergateway.wrappers.stack import StackWrapper
    from rendergateway.wrappers.stack_parts import ZRange
    from rendergateway.wrappers.tile import TileWrapper

__all__ = ["SectionPictures", "StackPictures", "TilePictures"]

_THUMBNAIL_PX = 128


class TilePictures(ObjectWrapper[TileRecord]):
    """Pictures of one tile."""

    __slots__ = ()

    @property
    def _tile(self) -> TileWrapper:
        return cast("TileWrapper", self)

    def image(self, frame: str = "world", *, scale: float = 1.0, **options: Any) -> Picture:
        """
        Draw the tile.

        Parameters
        ----------
        frame : {'world', 'raw', 'lens_corrected'}
            With all transforms, as the camera saw it, or after its lens correction: what a matcher should see.
        scale : float
            Pixels of the picture for one of the frame.
        **options
            Those of `PictureOptions`: channel, channels, intensity, filter, mask, background, max_tiles, dtype, render.

        Returns
        -------
        Picture
            The whole tile, wherever in the frame it lies: ``picture.box`` and ``picture.frame_from_pixels`` tell. As the
            service draws it, last row and column are not covered, and of a smaller scale often the first.

        Raises
        ------
        ImageError
            If the picture would have no pixels or too many, or cannot be drawn here.
        MissingChannelError
            If the tile has no such channel.
        ServiceError
            If the service refuses; its sentence names the file.
        RecordError
            If the tile is stored without the box or the size that the frame needs.

        Notes
        -----
        One request for a loaded tile, ``tile.png`` or, in 16 bits, ``tile.tiff16``; for each of *channels* one. Where
        it is drawn here ``tile.render_parameters``; with a background or filters of one's own both that and
        ``recipe.png``. *lens_corrected* needs `resolved_transforms`.
        """
        return picturing.image_of_tile(self._tile, frame, scale, PictureOptions(**options))

    def thumbnail(self, width: int = _THUMBNAIL_PX, **options: Any) -> Picture:
        """
        Draw the tile in the world, so many pixels wide, in 8 bits unless told otherwise.

        Notes
        -----
        Parameters, errors and requests as `image`.
        """
        return self.image(scale=picturing.thumbnail_scale(self._whole_box, width), **{"dtype": "uint8", **options})

    def render_parameters(self, frame: str = "world", *, scale: float = 1.0, **options: Any) -> RenderParameters:
        """
        Return the recipe of a picture of the tile, to be changed with ``evolve`` and drawn with ``gateway.image``.

        Notes
        -----
        Parameters as `image`. One request for a loaded tile, ``tile.render_parameters``.
        """
        return picturing.tile_view(self._tile, frame, scale).parameters(PictureOptions(**options))

    def url(self, format: str = "png", *, frame: str = "world", scale: float = 1.0, **options: Any) -> str:
        """
        Return the address of a picture of the tile, for pages: another one once the stack has changed.

        Parameters
        ----------
        format : {'png', 'jpg', 'tif'}
            What the service sends.
        frame, scale, **options
            As for `image`.

        Returns
        -------
        str
            Of an embedded service only the path: it answers where the page's own server passes it on.

        Raises
        ------
        ImageError
            If there is no such format, or the picture would have no pixels or too many.
        TypeError
            If the service alone does not draw this.

        Notes
        -----
        No request where tile and stack are loaded; else ``tile.read``, and ``stack.read`` once for all tiles.
        """
        view = picturing.tile_view(self._tile, frame, scale)
        return picturing.url_of(view, self._tile.stack, format, PictureOptions(**options))

    @property
    def thumbnail_url(self) -> str:
        """The address of a JPEG 128 pixels wide, for pages; requests as `url`."""
        return self.url("jpg", scale=picturing.thumbnail_scale(self._whole_box, _THUMBNAIL_PX))

    @property
    def _whole_box(self) -> Bounds:
        return picturing.tile_view(self._tile).box


class SectionPictures(ObjectWrapper[SectionRecord]):
    """Pictures of one section."""

    __slots__ = ()

    @property
    def _section(self) -> SectionWrapper:
        return cast("SectionWrapper", self)

    def image(self, box: Bounds | None = None, *, scale: float = 1.0, **options: Any) -> Picture:
        """
        Draw a box of the section, or all of it.

        Parameters
        ----------
        box : Bounds, optional
            World pixels; all of the section unless given. A width or height that is no whole number is rounded up.
        scale : float
            Pixels of the picture for one world pixel.
        **options
            Those of `PictureOptions`: channel, channels, intensity, filter, mask, background, max_tiles, dtype, render.

        Raises
        ------
        ImageError
            If the section or the box is empty, the picture would have no pixels or too many, shows more tiles than the
            limit, or cannot be drawn here.
        MissingChannelError
            If no tile has the channel.
        ServiceError
            If the service refuses; its sentence names tile and file.
        TypeError
            If *box* is no Bounds.

        Notes
        -----
        One request, ``box.png`` or, in 16 bits, ``box.png16``; for each of *channels* one. Without *box* what `bounds`
        needs. Where it is drawn here, or shows nothing, ``box.render_parameters``; with a background or filters of
        one's own both that and ``recipe.png``.
        """
        return picturing.image_of_section(self._section, box, scale, PictureOptions(**options))

    def thumbnail(self, width: int = _THUMBNAIL_PX, **options: Any) -> Picture:
        """
        Draw the whole section, so many pixels wide.

        Notes
        -----
        Parameters, errors and requests as `image`.
        """
        return self.image(scale=self._thumbnail_scale(width), **options)

    def render_parameters(self, box: Bounds | None = None, *, scale: float = 1.0, **options: Any) -> RenderParameters:
        """
        Return the recipe of a picture of the section, to be changed with ``evolve`` and drawn with ``gateway.image``.

        Notes
        -----
        Parameters as `image`. One request, ``box.render_parameters``; without *box* what `bounds` needs.
        """
        return picturing.section_view(self._section, box, scale).parameters(PictureOptions(**options))

    def url(self, format: str = "png", *, box: Bounds | None = None, scale: float = 1.0, **options: Any) -> str:
        """
        Return the address of a picture of the section, for pages: another one once the stack has changed.

        Parameters
        ----------
        format : {'png', 'jpg', 'tif'}
            What the service sends.
        box, scale, **options
            As for `image`.

        Returns
        -------
        str
            As `TileWrapper.url`.

        Notes
        -----
        No request where the stack is loaded, and *box* is given or `bounds` is known.
        """
        view = picturing.section_view(self._section, box, scale)
        return picturing.url_of(view, self._section.stack, format, PictureOptions(**options))

    @property
    def thumbnail_url(self) -> str:
        """The address of a JPEG 128 pixels wide, for pages; requests as `url`."""
        return self.url("jpg", scale=self._thumbnail_scale(_THUMBNAIL_PX))

    def _thumbnail_scale(self, width: int) -> float:
        return picturing.thumbnail_scale(picturing.section_box(self._section), width)


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
            self._pictured, axis, at, z, box, scale, PictureOptions(**options), workers, progress
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
        changed since or it is to look otherwise; an export that was broken off is taken up where it ended.

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
            The same part of each, ``stack.bounds`` for pictures that lie on each other; each its own bounds unless given.
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
            If there is no such format, and as `SectionWrapper.image`; what was written before stays.

        Notes
        -----
        ``stack.read``, ``stack.z_values``; then for each section that is drawn as `SectionWrapper.image`.
        """
        from rendergateway.wrappers.exporting import export

        return export(
            self._pictured, to, kind=format, scale=scale, z=z, box=box, overwrite=overwrite, workers=workers,
            progress=progress, options=PictureOptions(**options),
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
        from rendergateway.wrappers.image_checks import check_images

        return check_images(self._pictured, z, levels, workers, progress)
