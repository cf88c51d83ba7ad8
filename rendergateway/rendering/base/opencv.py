"""OpenCV, imported when a picture is first read or drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rendergateway.extras import needed_for

if TYPE_CHECKING:
    import cv2

__all__ = ["cv2"]


def __getattr__(name: str) -> Any:
    if name != "cv2":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # Not with the module: of threads that import a module which fails, all but one find it without its names.
    with needed_for("reading and drawing pictures"):
        import cv2
    globals()[name] = cv2
    return cv2
