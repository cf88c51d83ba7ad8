"""Records of image pyramids: the URLs of an image at full size and at reduced sizes."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterator, Mapping
from typing import Any

from rendergateway.errors import RecordError
from rendergateway.model.records.json_slices import Raw, join_object
from rendergateway.model.records.record import Record, optional

__all__ = ["ImagePyramid", "MipmapLevel"]


class MipmapLevel(Record):
    """Image and mask URLs of one mipmap level."""

    image_url = optional("imageUrl", str)
    image_loader_type = optional("imageLoaderType", str)
    image_slice = optional("imageSliceNumber", int)
    mask_url = optional("maskUrl", str)
    mask_loader_type = optional("maskLoaderType", str)
    mask_slice = optional("maskSliceNumber", int)


class ImagePyramid(Record, Mapping[int, MipmapLevel]):
    """
    The mipmap levels of a tile's image by number, ascending; level n is downsampled n times by 2.

    Parameters
    ----------
    levels : mapping of int to MipmapLevel, URL or path, optional
        The levels by number.

    Raises
    ------
    RecordError
        If a number is negative, or a level is something else.

    Examples
    --------
    >>> list(ImagePyramid({1: MipmapLevel(image_url="b"), 0: MipmapLevel(image_url="a")}))
    [0, 1]
    >>> ImagePyramid.from_json('{"10": {}, "2": {"imageUrl": "file:/a.png"}}')[2].image_url
    'file:/a.png'
    """

    def __init__(self, levels: Mapping[int, MipmapLevel | str | os.PathLike[str]] | None = None) -> None:
        super().__init__()
        if not isinstance(levels or {}, Mapping):
            raise RecordError(f"levels must map numbers to MipmapLevel or a path: got {levels!r}")
        self._members = {_level_name(level): _level_text(fields) for level, fields in (levels or {}).items()}

    def _shown(self) -> dict[str, str]:
        return {f"level_{level}": repr(MipmapLevel.from_json(text)) for level, text in self.members.items()}

    def with_level(self, level: int, **fields: Any) -> ImagePyramid:
        """
        Return a pyramid with one level added or changed; other members of the level are preserved.

        Parameters
        ----------
        level : int
            0 is full size.
        **fields
            Fields of `MipmapLevel`; None removes a member.

        Examples
        --------
        >>> ImagePyramid().with_level(1, image_url="s3://bucket/1/a.tif").to_json()
        b'{"1":{"imageUrl":"s3://bucket/1/a.tif"}}'
        """
        name, old = _level_name(level), self.get(level, MipmapLevel())
        return self._with({**self.members, name: old.evolve(**fields).to_json()})

    def without(self, *levels: int) -> ImagePyramid:
        """Return a pyramid without these levels; missing levels are ignored."""
        removed = set(map(str, levels))
        return self._with({name: text for name, text in self.members.items() if name not in removed})

    @classmethod
    def _with(cls, members: Mapping[str, Raw | bytes]) -> ImagePyramid:
        return cls.from_json(join_object(members))

    def __getitem__(self, level: int) -> MipmapLevel:
        text = self.members.get(str(level))
        if text is None:
            raise KeyError(level)
        return MipmapLevel.from_json(text)

    def __iter__(self) -> Iterator[int]:
        return iter(sorted(map(_level_number, self.members)))

    def __len__(self) -> int:
        return len(self.members)

    __hash__ = None  # type: ignore[assignment]


def _level_name(level: int) -> str:
    try:
        number = operator.index(level)
    except TypeError as error:
        raise RecordError(f"mipmap level must be a whole number: got {level!r}") from error
    if number < 0:
        raise RecordError(f"mipmap level must be >= 0: got {level}")
    return str(number)


def _level_text(level: Any) -> bytes:
    if isinstance(level, str | os.PathLike):
        level = MipmapLevel(image_url=level)
    if not isinstance(level, MipmapLevel):
        raise RecordError(f"a mipmap level must be MipmapLevel or a path: got {level!r}")
    return level.to_json()


def _level_number(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise RecordError(f"mipmap level is not a whole number: got {text!r}") from error
