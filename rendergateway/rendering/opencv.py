"""OpenCV, imported when the first picture is read or drawn."""

from __future__ import annotations

from rendergateway.extras import needed_for

with needed_for("reading and drawing pictures"):
    import cv2

__all__ = ["cv2"]
