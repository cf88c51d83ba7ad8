"""What tiles and sections can be asked for as pictures: thin methods over `picturing`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from rendergateway.geometry import Bounds
from rendergateway.later import LaterModule
from rendergateway.model import RenderParameters, SectionRecord, TileRecord
from rendergateway.wrappers.core.object import ObjectWrapper

if TYPE_CHECKING:
    from rendergateway.wrappers.images import options as picture_options
    from rendergateway.wrappers.images import render as picturing
    from rendergateway.wrappers.images.picture import Picture
    from rendergateway.wrappers.objects.section import SectionWrapper
    from rendergateway.wrappers.objects.tile import TileWrapper
else:
    picture_options = LaterModule("rendergateway.wrappers.images.options")
    picturing = LaterModule("rendergateway.wrappers.images.render")

__all__ = ["SectionPictures", "TilePictures"]

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
            The whole tile, wherever in the frame it lies: ``picture.box`` and ``picture.frame_from_pixels`` tell. As
            the service draws it, last row and column are not covered, and of a smaller scale often the first.

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
        return picturing.image_of_tile(self._tile, frame, scale, picture_options.PictureOptions(**options))

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
        return picturing.tile_view(self._tile, frame, scale).parameters(picture_options.PictureOptions(**options))

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
        return picturing.url_of(view, self._tile.stack, format, picture_options.PictureOptions(**options))

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
        TypeError, ValueError
            If *box* is no Bounds, or goes from a larger number to a smaller one.

        Notes
        -----
        One request, ``box.png`` or, in 16 bits, ``box.png16``; for each of *channels* one. Without *box* what `bounds`
        needs. Where it is drawn here, or shows nothing, ``box.render_parameters``; with a background or filters of
        one's own both that and ``recipe.png``.
        """
        return picturing.image_of_section(self._section, box, scale, picture_options.PictureOptions(**options))

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
        return picturing.section_view(self._section, box, scale).parameters(picture_options.PictureOptions(**options))

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
        return picturing.url_of(view, self._section.stack, format, picture_options.PictureOptions(**options))

    @property
    def thumbnail_url(self) -> str:
        """The address of a JPEG 128 pixels wide, for pages; requests as `url`."""
        return self.url("jpg", scale=self._thumbnail_scale(_THUMBNAIL_PX))

    def _thumbnail_scale(self, width: int) -> float:
        return picturing.thumbnail_scale(picturing.section_box(self._section), width)
