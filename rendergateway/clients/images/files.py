"""Formats of the files that clients write."""

from __future__ import annotations

from pathlib import Path

from rendergateway import Picture

__all__ = ["save"]


def save(
    picture: Picture,
    path: Path,
    format: str,
    *,
    grey: bool,
    quality: float = 0.85,
    pixel_size: tuple[float, float, str] | None = None,
) -> None:
    """Write a picture as the Java clients do; a TIFF has colours in any case."""
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = "grey" if grey and not format.lower().startswith("tif") else "rgb"
    picture.save(path, quality=quality, mode=mode, pixel_size=pixel_size)
    print(f"saved {path}", flush=True)
