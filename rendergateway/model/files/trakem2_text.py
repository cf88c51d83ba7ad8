"""TrakEM2 projects as XML text."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from xml.sax.saxutils import quoteattr

from rendergateway.errors import RecordError, TransformError
from rendergateway.model.files.trakem2 import MESH, Patch, patch_box
from rendergateway.number_text import double_text
from rendergateway.transforms import AffineModel2D, LeafTransform, Transform, TransformList

__all__ = ["trakem2_text"]

_PACKAGE = "mpicbg.trakem2.transform."


def trakem2_text(
    patches: Iterable[Patch],
    *,
    title: str = "rendergateway",
    resolution_nm: Sequence[float | None] = (),
    unuid: str,
) -> bytes:
    """
    Return patches as the XML of a project.

    Parameters
    ----------
    patches : iterable of Patch
        With unique oids. The mask file of a patch with a mask must be at `mask_name` of its oid, twice, below
        ``trakem2.<unuid>/trakem2.masks``.
    title : str
        Title of the project.
    resolution_nm : sequence of float
        Nanometres per pixel in x and y, and section thickness.
    unuid : str
        Unique name of the project, part of the name of its data folder.

    Raises
    ------
    RecordError
        If a transform has no class in TrakEM2; the message names the patch.
    """
    ordered = sorted(patches, key=lambda patch: patch.z)
    if len({patch.oid for patch in ordered}) < len(ordered):
        raise RecordError("patches of a project must have unique oids")
    return "\n".join(_lines(ordered, title, resolution_nm, unuid)).encode("iso-8859-1", "xmlcharrefreplace")


def _lines(patches: Sequence[Patch], title: str, resolution_nm: Sequence[float | None], unuid: str) -> Iterator[str]:
    x_nm, y_nm, z_nm = (*(value or 1.0 for value in resolution_nm), 1.0, 1.0, 1.0)[:3]
    placed = [_placed_patch(patch) for patch in patches]
    across = max((box[2] for *_, box in placed), default=1.0)
    down = max((box[3] for *_, box in placed), default=1.0)
    unit = "nm" if any(resolution_nm) else "pixel"
    yield '<?xml version="1.0" encoding="ISO-8859-1"?>'
    yield "<trakem2>"
    mipmaps = f"trakem2.{unuid}/trakem2.mipmaps/"
    yield _element("project", id="0", title=title, unuid=unuid, mipmaps_folder=mipmaps, storage_folder="",
                   mipmaps_format="4") + "/>"  # fmt: skip
    extent = {"layer_width": double_text(across), "layer_height": double_text(down)}
    yield _element("t2_layer_set", oid="1", width="20.0", height="20.0", title="Top Level",
                   transform="matrix(1.0,0.0,0.0,1.0,0.0,0.0)", **extent) + ">"  # fmt: skip
    yield _element("t2_calibration", pixelWidth=double_text(x_nm), pixelHeight=double_text(y_nm),
                   pixelDepth=double_text(z_nm), xOrigin="0.0", yOrigin="0.0", zOrigin="0.0", info="null",
                   valueUnit="Gray Value", timeUnit="sec", unit=unit) + "/>"  # fmt: skip
    oid, layer = max((int(patch.oid) for patch in patches), default=1), None
    for patch, (own, affine, size, _) in zip(patches, placed, strict=True):
        if patch.z != layer:
            if layer is not None:
                yield "</t2_layer>"
            oid, layer = oid + 1, patch.z
            place = {"thickness": double_text(patch.thickness), "z": double_text(patch.z)}
            yield _element("t2_layer", oid=str(oid), **place, title="") + ">"
        yield from _patch_lines(patch, own, affine, size)
    if layer is not None:
        yield "</t2_layer>"
    yield "</t2_layer_set>"
    yield "</trakem2>"


def _parts_of(
    transforms: Sequence[Transform], width: float, height: float
) -> tuple[list[LeafTransform], AffineModel2D, int, int]:
    """
    Return the coordinate transforms, the affine, width and height of a patch that is placed by transforms.

    Raises
    ------
    TransformError
        If TrakEM2 has no class of one of them.
    """
    if all(transform.is_affine for transform in transforms):
        affine = TransformList(list(transforms)).as_affine() if transforms else AffineModel2D()
        return [], affine, math.ceil(width), math.ceil(height)
    last = transforms[-1]
    own, affine = (transforms[:-1], last.as_affine()) if last.is_affine else (transforms, AffineModel2D())
    leaves = []
    for transform in own:
        if not isinstance(transform, LeafTransform) or not transform.class_name.startswith(_PACKAGE):
            name = getattr(transform, "class_name", type(transform).__name__)
            raise TransformError(f"TrakEM2 has no transform of class {name}; write affine or {_PACKAGE}* transforms")
        leaves.append(transform)
    x, y, across, down = patch_box(leaves, width, height, MESH)
    return leaves, (affine @ AffineModel2D([[1, 0, x], [0, 1, y]])).as_affine(), across, down


def _placed_patch(
    patch: Patch,
) -> tuple[list[LeafTransform], AffineModel2D, tuple[int, int], tuple[float, float, float, float]]:
    try:
        own, affine, across, down = _parts_of(patch.transforms, patch.width, patch.height)
    except TransformError as error:
        raise RecordError(f"patch {patch.title!r}: {error}") from error
    corners = affine.apply([[0, 0], [across, 0], [0, down], [across, down]])
    return own, affine, (across, down), (*corners.min(axis=0), *corners.max(axis=0))


def _patch_lines(
    patch: Patch, own: Sequence[LeafTransform], affine: AffineModel2D, size: tuple[int, int]
) -> Iterator[str]:
    (m00, m01, x), (m10, m11, y) = affine.matrix.tolist()
    matrix = ",".join(map(double_text, (m00, m10, m01, m11, x, y)))
    file_path = patch.path if patch.slice_number is None else f"{patch.path}-----#slice={patch.slice_number}"
    members = {
        "oid": patch.oid,
        "width": double_text(float(size[0])),
        "height": double_text(float(size[1])),
        "transform": f"matrix({matrix})",
        "title": patch.title,
        "type": str(patch.kind),
        "file_path": file_path,
        "o_width": str(int(patch.width)),
        "o_height": str(int(patch.height)),
        "min": double_text(patch.window[0]),
        "max": double_text(patch.window[1]),
        "mres": str(MESH),
        **({"alpha_mask_id": patch.oid} if patch.mask else {}),
    }
    head = _element("t2_patch", **members)
    if not own:
        yield f"{head}/>"
        return
    yield f"{head}>"
    yield "<ict_transform_list>"
    for leaf in own:
        yield _element("ict_transform", **{"class": leaf.class_name, "data": leaf.data_string}) + "/>"
    yield "</ict_transform_list>"
    yield "</t2_patch>"


def _element(name: str, **members: str) -> str:
    """Return the start of an element, without its end."""
    return f"<{name} " + " ".join(f"{key}={quoteattr(value)}" for key, value in members.items())
