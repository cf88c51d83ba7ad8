"""TrakEM2 projects: patches in layers, read from XML."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO
from xml.parsers import expat

import attrs
import numpy as np

from rendergateway.errors import RecordError, TransformError
from rendergateway.model.files.gzipped import opened
from rendergateway.transforms import AffineModel2D, Transform, TransformList, from_spec
from rendergateway.transforms.meshes.mesh import mesh_vertices

__all__ = ["MASK_FOLDER", "MESH", "Patch", "TrakEM2Project", "mask_name", "patch_box", "read_trakem2"]

# Folders of the masks and of coordinate transforms, below that of the project's data.
MASK_FOLDER, _TRANSFORM_FOLDER = "trakem2.masks", "trakem2.cts"
_MATRIX = re.compile(r"matrix\(([^()]*)\)")
_SLICE = re.compile(r"(.*)-----#slice=(\d+)")
MESH, _MOST_MESH = 32, 1000
_UNITS_NM = {"nm": 1.0, "nanometer": 1.0, "nanometers": 1.0, "µm": 1e3, "um": 1e3, "micron": 1e3, "microns": 1e3}


@attrs.frozen(kw_only=True)
class Patch:
    """
    An image of a project.

    Attributes
    ----------
    oid : str
        Unique number.
    title : str
    z, thickness : float
        Of its layer, in pixels.
    path : str
        The image file: absolute, or relative to the folder of the project.
    slice_number : int or None
        Which image of a stack, counted from 1.
    width, height : float
        Size of the image.
    kind : int
        0 grey 8 bits, 1 grey 16 bits, 2 grey 32 bits, 3 palette, 4 RGB.
    window : (float, float)
        Values drawn black and white.
    transforms : tuple of Transform
        From local to world pixels.
    mask : str or None
        The mask file, relative to the folder of the project.
    visible : bool
    line : int
        Line of the file.
    """

    oid: str
    title: str
    z: float
    thickness: float
    path: str
    width: float
    height: float
    transforms: tuple[Transform, ...]
    slice_number: int | None = None
    kind: int = 0
    window: tuple[float, float] = (0.0, 255.0)
    mask: str | None = None
    visible: bool = True
    line: int = 0


@attrs.frozen(kw_only=True)
class TrakEM2Project:
    """
    A project.

    Attributes
    ----------
    patches : list of Patch
        In the order of the file.
    resolution_nm : (float, float, float) or None
        Nanometres per pixel, and layer thickness, if the calibration is in nm or µm.
    """

    patches: list[Patch] = attrs.field(repr=False)
    resolution_nm: tuple[float, float, float] | None = None


# Reading


def read_trakem2(path: str | os.PathLike[str]) -> TrakEM2Project:
    """
    Read a project.

    Parameters
    ----------
    path : str or Path
        ``.xml`` or ``.xml.gz``.

    Raises
    ------
    RecordError
        If the file is not a project, or the coordinate transforms of a patch, in the project or in a file of their
        own, are missing or malformed; the message names the line.
    OSError
        If the file cannot be read.

    References
    ----------
    .. [1] saalfeldlab/render, ``org.janelia.alignment.trakem2.Converter``. Unlike it, this reader keeps minimum and
       maximum in their order, and reads slices of stacks and transforms outside of lists.
    """
    with opened(path) as file:
        return _Reader(os.fspath(path)).read(file)


class _TransformReader:
    """Collects coordinate transforms while expat parses XML."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._start
        # A declaration of entities could make a small file large.
        self._parser.EntityDeclHandler = self._refuse_entity
        self._root: str | None = None
        self._transforms: list[Transform] = []

    def parse(self, file: BinaryIO) -> list[Transform]:
        """Parse a file; return its transforms."""
        try:
            self._parser.ParseFile(file)
        except expat.ExpatError as error:
            raise RecordError(f"{self._name} is not XML: {error}") from error
        return self._transforms

    def _where(self, line: int | None = None) -> str:
        return f"{self._name}, line {line or self._parser.CurrentLineNumber}"

    def _refuse_entity(self, name: str, *others: object) -> None:
        raise RecordError(f"{self._where()}: XML entities are not supported: got {name!r}")

    def _start(self, name: str, members: dict[str, str]) -> None:
        self._root = self._root or name
        if name in ("ict_transform", "iict_transform"):
            self._transforms.append(self._transform(members))

    def _transform(self, members: Mapping[str, str]) -> Transform:
        try:
            return from_spec({"className": members.get("class", ""), "dataString": members.get("data", "")})
        except TransformError as error:
            raise RecordError(f"{self._where()}: {error}") from error


class _Reader(_TransformReader):
    """Collects patches while expat parses a project."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._parser.EndElementHandler = self._end
        self._unuid = ""
        self._layer = (0.0, 1.0)
        self._resolution: tuple[float, float, float] | None = None
        self._pixel = (1.0, 1.0, 0.0)
        self._patch: dict[str, str] = {}
        self._patch_line = 0
        self._patches: list[Patch] = []

    def read(self, file: BinaryIO) -> TrakEM2Project:
        self.parse(file)
        if self._root != "trakem2":
            raise RecordError(f"{self._name} is not a TrakEM2 project: got root element {self._root!r}")
        return TrakEM2Project(patches=self._patches, resolution_nm=self._resolution)

    def _number(self, members: Mapping[str, str], name: str, default: float | None = None) -> float:
        text = members.get(name)
        if text is None and default is not None:
            return default
        try:
            number = float(text or "")
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise RecordError(f"{self._where()}: {name} must be a finite number: got {text!r}")
        return number

    def _start(self, name: str, members: dict[str, str]) -> None:
        super()._start(name, members)
        if name == "project":
            self._unuid = members.get("unuid", "")
        elif name == "t2_calibration":
            self._calibrate(members)
        elif name == "t2_layer":
            self._layer = self._number(members, "z"), self._number(members, "thickness", 1.0)
            if self._resolution is not None and self._resolution[2] == 0:
                self._resolution = (*self._resolution[:2], self._resolution[0] * self._layer[1])
        elif name == "t2_patch":
            self._patch, self._patch_line, self._transforms = members, self._parser.CurrentLineNumber, []

    def _calibrate(self, members: Mapping[str, str]) -> None:
        unit = _UNITS_NM.get(members.get("unit", ""))
        if unit is not None:
            x, y = (self._number(members, f"pixel{axis}", 1.0) * unit for axis in ("Width", "Height"))
            # Layer thickness is that of the first layer.
            self._resolution = (x, y, 0.0)

    def _end(self, name: str) -> None:
        if name == "t2_patch":
            self._patches.append(self._finished(self._patch))
            self._patch = {}

    def _finished(self, members: Mapping[str, str]) -> Patch:
        where, oid = self._where(self._patch_line), members.get("oid", "")
        own, number, visible = self._transforms, members.get("ct_id", "0"), members.get("visible", "true") != "false"
        # A project has them too, unless it was saved without coordinate transforms.
        if not own and number != "0" and visible:
            own = self._of_file(where, oid, number)
        if not oid or "file_path" not in members:
            raise RecordError(f"{where}: a patch must have oid and file_path: got {', '.join(members)}")
        width = self._number(members, "o_width", self._number(members, "width", 0.0))
        height = self._number(members, "o_height", self._number(members, "height", 0.0))
        mesh = int(self._number(members, "mres", MESH))
        if not (width > 0 and height > 0 and 2 <= mesh <= _MOST_MESH):
            raise RecordError(f"{where}: patch {oid} has size {width:g} × {height:g} and mesh {mesh}; correct them")
        found = _SLICE.fullmatch(members["file_path"])
        mask = members.get("alpha_mask_id", "0")
        try:
            transforms = _placed(own, _matrix(members.get("transform", "")), width, height, mesh)
        except (TransformError, ValueError) as error:
            raise RecordError(f"{where}: transform of patch {oid}: {error}") from error
        return Patch(
            oid=oid,
            title=members.get("title", ""),
            z=self._layer[0],
            thickness=self._layer[1],
            path=found[1] if found else members["file_path"],
            slice_number=int(found[2]) if found else None,
            width=width,
            height=height,
            kind=int(self._number(members, "type", 0)),
            window=(self._number(members, "min", 0.0), self._number(members, "max", 255.0)),
            transforms=transforms,
            mask=None if mask in ("", "0") else f"trakem2.{self._unuid}/{MASK_FOLDER}/{mask_name(mask, oid)}",
            visible=visible,
            line=self._patch_line,
        )

    def _of_file(self, where: str, oid: str, number: str) -> list[Transform]:
        """Return the coordinate transforms of a patch from a file of their own."""
        if not (number.isdecimal() and oid.isdecimal()):
            raise RecordError(f"{where}: oid and ct_id must be numbers: got {oid!r} and {number!r}")
        path = Path(self._name).parent / f"trakem2.{self._unuid}" / _TRANSFORM_FOLDER / mask_name(number, oid, ".ct")
        what = f"{where}: coordinate transforms of patch {oid} (ct_id={number})"
        try:
            with opened(path) as file:
                found = _TransformReader(os.fspath(path)).parse(file)
        except OSError as error:
            raise RecordError(
                f"{what} cannot be read: {error}; copy the folder of the project's data beside it, or save the project "
                "with its coordinate transforms"
            ) from error
        if not found:
            raise RecordError(f"{what} are missing: {path} has none")
        return found


def mask_name(mask_id: str, oid: str, suffix: str = ".zip") -> str:
    """
    Return the path of a mask below the folder of masks: digits of its id in pairs, then that of the patch.

    Files of coordinate transforms are named in the same way, with the suffix ``.ct``.

    Examples
    --------
    >>> mask_name("134", "49"), mask_name("12", "49"), mask_name("12345", "49")
    ('13/4.49.zip', '12.49.zip', '12/34/5.49.zip')
    """
    pairs = [mask_id[place : place + 2] for place in range(0, len(mask_id), 2)]
    return f"{'/'.join(pairs)}.{oid}{suffix}"


def _matrix(text: str) -> AffineModel2D:
    found = _MATRIX.fullmatch(text.strip())
    words = found[1].split(",") if found else []
    if len(words) != 6:
        raise ValueError(f"transform must be matrix(a,b,c,d,e,f): got {text!r}")
    m00, m10, m01, m11, x, y = map(float, words)
    if not all(map(math.isfinite, (m00, m10, m01, m11, x, y))):
        raise ValueError(f"transform must be finite: got {text!r}")
    return AffineModel2D([[m00, m01, x], [m10, m11, y]])


def _placed(
    own: Sequence[Transform], matrix: AffineModel2D, width: float, height: float, mesh: int
) -> tuple[Transform, ...]:
    """Return coordinate transforms, then the affine, which is relative to the corner of their box."""
    if not own:
        return (matrix,)
    x, y, _, _ = patch_box(own, width, height, mesh)
    shift = AffineModel2D([[1, 0, -x], [0, 1, -y]])
    return (*own, (matrix @ shift).as_affine())


def patch_box(transforms: Sequence[Transform], width: float, height: float, mesh: int) -> tuple[int, int, int, int]:
    """Return corner and size of the box of coordinate transforms: the corner is truncated, the size rounded up."""
    points = TransformList(list(transforms)).apply(mesh_vertices(width, height, width / mesh))
    if not np.isfinite(points).all():
        raise TransformError("the coordinate transforms map the image to numbers that are not finite")
    low, high = points.min(axis=0), points.max(axis=0)
    x, y = (int(side) for side in low)
    across, down = (math.ceil(side) for side in high - low)
    return x, y, across, down
