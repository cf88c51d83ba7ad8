"""Pictures: pixels as a numpy array with their place in the world, for notebooks and files."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
from numpy.lib.mixins import NDArrayOperatorsMixin

from rendergateway.errors import ImageError
from rendergateway.geometry import Bounds, FloatArray, as_points
from rendergateway.mutators import changes_data
from rendergateway.visible_text import visible
from rendergateway.wrappers.images.options import AUTO, PictureOptions
from rendergateway.wrappers.images.view import View, covered_in, pixels_of
from rendergateway.wrappers.images.windows import composed

__all__ = ["Picture", "checked_kind", "drawn", "fitted", "line_of"]

# Percentiles of the values that intensity="auto" maps to black and white.
_FITTED = (0.5, 99.5)


def checked_kind(path: str | os.PathLike[str]) -> str:
    """Return the file format of a suffix; raise `ImageError` if it is unknown."""
    from rendergateway.rendering.output.encoding import SUFFIXES

    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise ImageError(f"{os.fspath(path)!r} has an unknown suffix; use {', '.join(SUFFIXES)} to select the format")
    return SUFFIXES[suffix]


class Picture(NDArrayOperatorsMixin):
    """
    A drawn picture: an array for numpy, an image in a notebook.

    ``np.asarray(picture)`` returns its pixels without a copy; operators work on the pixels and return arrays. Made by
    ``image``, ``thumbnail`` and ``cross_section`` of tiles, sections and stacks, and by ``gateway.render``.

    Attributes
    ----------
    pixels : ndarray, shape (H, W) or (H, W, 3)
        Grey or red, green, blue; uint8 for display, or uint16 with the values of the files; float32 only as read from
        a file; read-only.
    alpha : ndarray of uint8, shape (H, W), or None
        Opacity of a masked 8-bit picture; None if all of it is opaque.
    """

    # == is elementwise, as for arrays, so there is no hash.
    __hash__ = None  # type: ignore[assignment]

    def __init__(
        self,
        pixels: npt.NDArray[Any],
        alpha: npt.NDArray[np.uint8] | None,
        views: Sequence[View],
        options: PictureOptions,
        *,
        box: Bounds,
        frame: str,
        covered: npt.NDArray[np.bool_] | None = None,
    ) -> None:
        pixels.setflags(write=False)
        self.pixels = pixels
        self.alpha = alpha
        self._views = views
        self._options = options
        self._box = box
        self._frame = frame
        self._covered = covered

    # Content

    @property
    def box(self) -> Bounds:
        """The area shown, in pixels of the frame; of a cross section along the first axis and z."""
        return self._box

    @property
    def scale(self) -> float:
        """Picture pixels per pixel of the frame."""
        return self._views[0].scale

    @property
    def frame(self) -> str:
        """``world``, ``raw`` or another of `TransformList.split_at`; of a cross section ``xz`` or ``yz``."""
        return self._frame

    @property
    def intensity(self) -> tuple[float, float] | None:
        """Values mapped to black and white; None if one of them is that of the tiles."""
        window = self._options.intensity
        low, high = (None, None) if window is None or isinstance(window, str) else window
        return None if low is None or high is None else (low, high)

    @property
    def max_tiles(self) -> int | None:
        """The tile limit of the request."""
        return self._options.max_tiles

    @property
    def coverage(self) -> npt.NDArray[np.bool_]:
        """
        Pixels covered by tiles, shape (H, W), ignoring masks; ``picture.coverage.mean()`` is the covered fraction.

        Notes
        -----
        One request on first use, ``box.render_parameters`` or ``tile.render_parameters`` (one per row of a cross
        section); then it is computed locally.
        """
        if self._covered is None:
            rows = [covered_in(view, self._options) for view in self._views]
            self._covered = rows[0] if self._is_plane else np.stack([line_of(row, self._frame) for row in rows])
        return self._covered

    @property
    def _is_plane(self) -> bool:
        return self._frame not in ("xz", "yz")

    def frame_from_pixels(self, points: npt.ArrayLike) -> FloatArray:
        """
        Transform pixels of the picture into the frame.

        Parameters
        ----------
        points : array_like, shape (..., 2)
            Column and row.

        Returns
        -------
        ndarray, same shape
            x, y in the world, or in the raw or lens-corrected tile.

        Raises
        ------
        ImageError
            If the picture is a cross section: its rows are sections.
        """
        if not self._is_plane:
            raise ImageError("rows of a cross section are sections; only its columns are along an axis of the world")
        return as_points(points) / self.scale + [self._box.min_x, self._box.min_y]

    # As an array

    @property
    def shape(self) -> tuple[int, ...]:
        """(H, W) or (H, W, 3)."""
        return self.pixels.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """uint8, uint16 or, as read from a file, float32."""
        return self.pixels.dtype

    @property
    def ndim(self) -> int:
        """2, or 3 with colours."""
        return self.pixels.ndim

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        if copy is False and dtype is not None and np.dtype(dtype) != self.dtype:
            raise ValueError(f"converting {self.dtype} pixels to {np.dtype(dtype)} requires a copy")
        return np.array(self.pixels, dtype) if copy else np.asarray(self.pixels, dtype)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **values: Any) -> Any:
        plain = (one.pixels if isinstance(one, Picture) else one for one in inputs)
        return getattr(ufunc, method)(*plain, **values)

    def __getitem__(self, place: Any) -> Any:
        return self.pixels[place]

    def __len__(self) -> int:
        return len(self.pixels)

    # Display and files

    @changes_data
    def save(
        self,
        path: str | os.PathLike[str],
        *,
        quality: float = 0.85,
        mode: str | None = None,
        pixel_size: tuple[float, float, str] | None = None,
    ) -> None:
        """
        Write the picture to a file, atomically.

        Parameters
        ----------
        path : str or Path
            The suffix selects the format: ``.png``, ``.tif``, ``.tiff`` for 8 and 16 bits, ``.jpg``, ``.jpeg`` for 8.
            A PNG keeps the opacity of a masked picture; other formats have a black background.
        quality : float
            Of a JPEG, 0 … 1.
        mode : {'grey', 'rgb'}, optional
            *grey* stores luminance over black; *rgb* stores colours also of a grey picture, in a TIFF without opacity.
            Default: as the pixels are.
        pixel_size : (float, float, str), optional
            Width and height of a pixel and their unit, as ``(8, 8, "nm")``; stored in a TIFF as ImageJ does.

        Raises
        ------
        ImageError
            If the suffix or the mode is unknown, or the picture has 16 bits and the format is JPEG or the mode *rgb*.
        OSError
            If the folder does not exist, or the file cannot be written.
        """
        from rendergateway.rendering.output.encoding import file_bytes, write_whole

        kind, folder = checked_kind(path), Path(path).parent
        if not folder.is_dir():
            raise FileNotFoundError(errno.ENOENT, "the folder of the picture does not exist", str(folder))
        data = file_bytes(self.pixels, self.alpha, kind, quality=quality, mode=mode, pixel_size=pixel_size)
        write_whole(path, data)

    def _repr_png_(self) -> bytes:
        from rendergateway.rendering.output.encoding import file_bytes

        return file_bytes(self._shown(), self.alpha, "png")

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {"image/png": self._repr_png_(), "text/plain": repr(self)}

    def _shown(self) -> npt.NDArray[np.uint8]:
        """Return 8 bits; 16-bit values are stretched from minimum to maximum."""
        if self.pixels.dtype == np.uint8:
            return self.pixels
        from rendergateway.rendering.pixels.intensity import to_8bit

        return to_8bit(self.pixels, (float(self.pixels.min()), float(self.pixels.max())))

    def __repr__(self) -> str:
        height, width = self.shape[:2]
        colours = " in colours" if self.ndim == 3 else ""
        what = self._views[0].what if self._is_plane else f"{len(self._views)} sections along {self.frame[0]}"
        return visible(f"<Picture of {what}, {width} × {height} {self.dtype}{colours}, scale {self.scale:g}>")


def drawn(view: View, options: PictureOptions) -> Picture:
    """
    Return the picture of a view.

    Notes
    -----
    One request per channel, ``tile.png`` or ``box.png`` (``tile.tiff16``, ``box.png16`` for 16 bits); drawn locally
    ``….render_parameters`` instead; with a custom background both that and ``recipe.png``. A picture without a visible
    pixel costs ``….render_parameters`` too, to find the reason.
    """
    if options.channels is None:
        pixels, alpha = pixels_of(view, options.of_values())
        pixels, options = fitted(pixels, options)
    else:
        alpha = None
        planes = {name: pixels_of(view, options.of_channel(name))[0] for name in options.channels}
        pixels = composed(planes, options.channels)
    return Picture(pixels, alpha, [view], options, box=view.box, frame=view.frame)


def fitted(pixels: npt.NDArray[Any], options: PictureOptions) -> tuple[npt.NDArray[Any], PictureOptions]:
    """Return 16-bit pixels in 8 bits, and the window that fits them, for ``intensity="auto"``; else both unchanged."""
    if options.intensity != AUTO:
        return pixels, options
    from rendergateway.rendering.pixels.intensity import to_8bit

    # Without tiles the values are 0.
    shown = pixels[pixels > 0]
    low, high = map(float, np.percentile(shown, _FITTED, method="nearest")) if shown.size else (0.0, 1.0)
    window = (low, max(high, low + 1.0))
    return to_8bit(pixels, window), attrs.evolve(options, intensity=window)


def line_of(pixels: npt.NDArray[Any], frame: str) -> npt.NDArray[Any]:
    """Return one row of a cross section from a picture of a line along x (``xz``) or y (``yz``)."""
    return pixels[0] if frame == "xz" else pixels[:, 0]
