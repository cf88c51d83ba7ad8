"""Checks that tiles are complete: z, images and transforms."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs
import msgspec

from rendergateway.errors import RecordError, TransformError
from rendergateway.geometry import FloatArray
from rendergateway.local_files import file_path
from rendergateway.model.records.channels import ChannelRecord
from rendergateway.model.records.json_slices import Text
from rendergateway.model.records.pyramid import MipmapLevel
from rendergateway.model.records.tiles import TileRecord
from rendergateway.model.records.view import view
from rendergateway.model.tile_text.transform_groups import TransformGroups
from rendergateway.transforms import Transform, UnknownTransform

__all__ = ["TileChecks"]

_Level = view(MipmapLevel, image_url=(str | None, None), mask_url=(str | None, None))
_Levels = dict[str, _Level]  # type: ignore[valid-type]
_Channel = view(ChannelRecord, mipmaps=(_Levels | None, None))
_Tile = view(
    TileRecord,
    z=(float | str | None, None),
    mipmaps=(_Levels | None, None),
    channels=(list[_Channel] | None, None),  # type: ignore[valid-type]
)
_decode_tile = msgspec.json.Decoder(_Tile).decode


@attrs.frozen(kw_only=True)
class TileChecks:
    """
    Checks that tiles are complete: z, an image in each channel, and transforms that can be computed.

    Parameters
    ----------
    files : bool
        Whether the image and mask files must exist on this machine and not be empty; URLs other than paths and
        ``file:`` are not checked.
    """

    files: bool = False

    def problems(self, texts: Sequence[Text], boxes: FloatArray, shared: Mapping[str, Transform]) -> dict[int, str]:
        """Return why tiles are invalid; see `TileValidator`."""
        problems: dict[int, str] = {}
        known: dict[str, str] = {}
        for row, text in enumerate(texts):
            try:
                problem = next(self._problems(_decode_tile(text), known), "")
            except msgspec.DecodeError as error:
                problem = f"malformed: {error}"
            if problem:
                problems[row] = problem
        return _transform_problems(texts, shared) | problems

    def _problems(self, tile: Any, known: dict[str, str]) -> Iterator[str]:
        """Yield the problems of a tile; *known* are the results of files so far, by URL."""
        if tile.z is None:
            yield "z is missing"
        for levels in [channel.mipmaps for channel in tile.channels or ()] or [tile.mipmaps]:
            if not levels:
                yield "no mipmap level"
            for number, level in (levels or {}).items():
                if not level.image_url:
                    yield f"mipmap level {number} has no imageUrl"
                for url in filter(None, (level.image_url, level.mask_url) if self.files else ()):
                    if url not in known:
                        known[url] = _file_problem(url)
                    if known[url]:
                        yield known[url]


def _file_problem(url: str) -> str:
    path = file_path(url)
    if path is None:
        return ""
    try:
        size = os.stat(path).st_size
    except (OSError, ValueError):
        return f"file {path!r} does not exist"
    if size == 0:
        return f"file {path!r} is empty"
    return "" if os.access(path, os.R_OK) else f"file {path!r} cannot be read"


def _transform_problems(texts: Sequence[Text], shared: Mapping[str, Transform]) -> dict[int, str]:
    problems: dict[int, str] = {}
    for group in TransformGroups.of(texts).groups:
        try:
            unknown = next((one for one in group.head(shared).flattened() if isinstance(one, UnknownTransform)), None)
        except (TransformError, RecordError) as error:
            problems |= dict.fromkeys(group.rows, str(error))
        else:
            if unknown is not None:
                problems |= dict.fromkeys(
                    group.rows, unknown.problem or f"unknown transform class {unknown.class_name}"
                )
    return problems
