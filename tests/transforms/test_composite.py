"""Lists, references, interpolations, unknown classes, and composition."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from rendergateway.errors import TransformError
from rendergateway.geometry import Bounds
from rendergateway.transforms import (
    AffineModel2D,
    HomographyModel2D,
    InterpolatedTransform,
    NonLinearCoordinateTransform,
    PolynomialTransform2D,
    RigidModel2D,
    Transform,
    TransformList,
    TransformReference,
    TranslationModel2D,
    UnknownTransform,
    from_spec,
)
from tests.transforms.examples import EXAMPLES, REGION

REPOSITORY = Path(__file__).resolve().parents[2]
DATA = REPOSITORY.parent / "shared" / "data"

# Not JSON; warp fields of a former format, which the service rejects too.
NOT_READABLE = (
    "render-parameters-test/extraneous-comma-render.json",
    "warp-field-test/montage_warp_tiles_translate.json",
)

POINTS = np.array([(0, 0), (100, 50), (13.5, 77.25)])
SHIFT = AffineModel2D([[1, 0, 3], [0, 1, 4]], id="move")


@pytest.mark.parametrize(
    ("after", "before", "kind"),
    [
        ("affine", "translation", AffineModel2D),
        ("translation", "translation", TranslationModel2D),
        ("rigid", "rigid", RigidModel2D),
        ("interpolated-affine", "affine", AffineModel2D),
        ("polynomial", "affine", PolynomialTransform2D),
        ("affine", "polynomial", PolynomialTransform2D),
        ("polynomial", "polynomial", PolynomialTransform2D),
        ("affine", "lens", PolynomialTransform2D),
        ("lens", "lens", PolynomialTransform2D),
        ("homography", "affine", HomographyModel2D),
        ("homography", "homography", HomographyModel2D),
        ("affine", "thin-plate", TransformList),
        ("homography", "polynomial", TransformList),
    ],
)
def test_matmul__class(after: str, before: str, kind: type[Transform]) -> None:
    """The composition is of the narrowest class that can represent it, without id; else a list."""
    whole = EXAMPLES[after] @ EXAMPLES[before]
    assert type(whole) is kind
    assert (whole.id, whole.labels) == (None, ())
    np.testing.assert_allclose(whole.apply(POINTS), EXAMPLES[after].apply(EXAMPLES[before].apply(POINTS)), rtol=1e-10)


def test_matmul__order_of_polynomials() -> None:
    """Orders multiply; a composition of order above ten is a list."""
    cubic = PolynomialTransform2D(np.full((2, 10), 1e-3))
    whole = cubic @ cubic
    assert isinstance(whole, PolynomialTransform2D)
    assert whole.order == 9
    assert isinstance(cubic @ whole, TransformList)


def test_matmul__named_list_stays_whole() -> None:
    """A list with an id stays one item of a composed list."""
    spline = EXAMPLES["thin-plate"]
    named = TransformList([spline], id="named")
    assert TransformList([spline, named]) == named @ spline
    assert TransformList([spline, spline]) == TransformList([spline]) @ spline


def test_list__is_a_sequence() -> None:
    """A list has the length, items and iteration of a sequence."""
    whole = TransformList([SHIFT, SHIFT])
    assert (len(whole), whole[0], list(whole)) == (2, SHIFT, [SHIFT, SHIFT])


def test_approximate__exact() -> None:
    """The fit of order 1 to affines and of order 2 to a quadratic is exact."""
    affine, worst_px = TransformList([SHIFT, EXAMPLES["affine"]]).approximate(order=1, region=REGION)
    assert isinstance(affine, AffineModel2D)
    assert worst_px < 1e-10
    bent = TransformList([EXAMPLES["affine"], EXAMPLES["polynomial"]])
    quadratic, worst_px = bent.approximate(order=2, region=(0, 0, 2048, 2048))
    assert isinstance(quadratic, PolynomialTransform2D)
    assert worst_px < 1e-8
    _, worst_px = bent.approximate(order=1, region=Bounds(0, 0, 2048, 2048))
    assert worst_px > 10


def test_polynomial__orders() -> None:
    """A higher order pads with zeros; returning to the lower order removes them."""
    linear = PolynomialTransform2D.from_affine(EXAMPLES["affine"])
    quadratic = linear.as_order(2)
    assert quadratic.coefficient_count == 12
    assert quadratic.as_order(1) == linear
    assert quadratic.is_affine
    assert quadratic.as_affine() == EXAMPLES["affine"]


def test_lens__as_polynomial() -> None:
    """A lens correction converts to a polynomial exactly."""
    lens = EXAMPLES["lens"]
    np.testing.assert_allclose(lens.as_polynomial().apply(POINTS), lens.apply(POINTS), rtol=1e-14)


def test_evolve__lens_keeps_its_map() -> None:
    """A changed lens correction maps with its new parameters."""
    lens = EXAMPLES["lens"]
    assert isinstance(lens, NonLinearCoordinateTransform)
    np.testing.assert_allclose(lens.evolve(beta=2 * lens.beta).apply(POINTS), 2 * lens.apply(POINTS), rtol=1e-12)


LENS = PolynomialTransform2D([[1, 1.001, 0.002], [-2, -0.001, 0.999]], id="lens", labels=("lens",))
BIG = AffineModel2D([[2, 0, 0], [0, 2, 0]], labels=("big",))
PAIR = TransformList([AffineModel2D([[1, 0, 1], [0, 1, 1]]), BIG], id="pair", labels=("both",))
HALF = InterpolatedTransform(PAIR, TransformReference("move"), 0.3, id="half")
SHARED = {"lens": LENS, "pair": PAIR, "half": HALF, "move": SHIFT, "again": TransformReference("lens")}


def test_flattened__labels_and_ids() -> None:
    """Items of flattened lists keep their ids and append the labels of their lists; list ids are dropped."""
    flat = TransformList(
        [TransformReference("lens"), TransformReference("pair")], id="tile", labels=("tile",)
    ).flattened(SHARED)
    assert [(item.id, item.labels) for item in flat] == [
        ("lens", ("lens", "tile")),
        (None, ("both", "tile")),
        (None, ("big", "both", "tile")),
    ]
    assert (flat.id, flat.labels) == (None, ())


def test_flattened__interpolation_stays_one() -> None:
    """An interpolation keeps its id; each side is flattened, to a list without id for several items."""
    (half,) = TransformList([TransformReference("half")]).flattened(SHARED)
    assert isinstance(half, InterpolatedTransform)
    assert half.id == "half"
    assert half.b == SHIFT
    assert isinstance(half.a, TransformList)
    assert (half.a.id, [item.labels for item in half.a]) == (None, [("both",), ("big", "both")])
    np.testing.assert_allclose(half.apply(POINTS), HALF.resolve(SHARED).apply(POINTS), rtol=1e-15)


def test_flattened__without_shared_keeps_references() -> None:
    """Without the shared transforms, references are preserved, and so is the text of unknown classes."""
    spec = {
        "type": "list",
        "specList": [
            {"type": "ref", "refId": "lens"},
            {"type": "list", "specList": [{"className": "a.B", "dataString": " 1 "}]},
        ],
    }
    flat = TransformList.from_spec(spec).flattened()
    assert flat.to_spec()["specList"] == [{"type": "ref", "refId": "lens"}, {"className": "a.B", "dataString": " 1 "}]


def test_flattened__recorded() -> None:
    """Recorded tiles with shared lists, labels and interpolations are flattened like by the service."""
    recording = yaml.safe_load((REPOSITORY / "cassettes" / "tiles" / "transforms.yaml").read_text())["interactions"]
    saved = next(json.loads(one["request"]["body"]) for one in recording if "resolvedTiles" in one["request"]["uri"])
    answer = next(
        one["response"]["body"]["string"] for one in recording if one["request"]["uri"].endswith("/z/1/tile-specs")
    )
    shared = {name: from_spec(spec) for name, spec in saved["transformIdToSpecMap"].items()}
    for tile in json.loads(answer):
        stored = TransformList.from_spec(saved["tileIdToSpecMap"][tile["tileId"]]["transforms"])
        flat = stored.flattened(shared)
        assert [item.to_spec() for item in flat] == tile["transforms"]["specList"]


def test_resolve__nested() -> None:
    """References to references and in interpolations are resolved."""
    whole = TransformList([TransformReference("again"), HALF]).resolve(SHARED)
    np.testing.assert_allclose(whole.apply(POINTS), HALF.resolve(SHARED).apply(LENS.apply(POINTS)), rtol=1e-15)


def test_resolve__missing_reference() -> None:
    """The error names a missing id and the references that lead to it."""
    shared = {"outer": TransformList([TransformReference("inner")])}
    with pytest.raises(TransformError, match=r"there is no shared transform with id 'inner', referenced through outer"):
        TransformList([TransformReference("outer")]).flattened(shared)


def test_resolve__cycle() -> None:
    """Circular references are rejected."""
    shared = {
        "a": TransformList([TransformReference("b")]),
        "b": InterpolatedTransform(SHIFT, TransformReference("a"), 0.5),
    }
    with pytest.raises(TransformError, match=r"references are circular: a → b → a"):
        TransformReference("a").resolve(shared)


@pytest.mark.parametrize(
    "spec",
    [
        {
            "className": "some.unknown.Thing",
            "dataString": "  spaced   text ",
            "id": "u",
            "metaData": {"labels": [], "x": {"y": 1}},
        },
        {"type": "surprise", "className": "a.B", "dataString": "1"},
        {"type": "leaf", "className": "a.B"},
        {
            "type": "leaf",
            "className": "lenscorrection.NonLinearTransform",
            "dataString": "1 3 1 2 3 4 5 6 0 0 0 1 1 0 9 9 ",
        },
        {"type": "ref", "refId": "lens", "id": "r", "more": [1, {"deep": None}]},
        {"type": "list", "specList": [{"type": "ref", "refId": "a"}], "id": "l", "metaData": {"labels": ["x"], "n": 1}},
        {"id": 5, "type": "ref", "refId": "lens", "metaData": None},
    ],
)
def test_spec__is_preserved(spec: dict[str, Any]) -> None:
    """Every member, known or unknown, is written as read, in the same order."""
    read = from_spec(spec)
    assert json.dumps(read.to_spec()) == json.dumps(spec)


def test_spec__is_a_copy() -> None:
    """Changing a specification that was read or returned does not change the transform."""
    spec: dict[str, Any] = {"type": "ref", "refId": "lens", "metaData": {"labels": ["a"], "x": [1]}}
    read = from_spec(spec)
    spec["metaData"]["x"].append(2)
    read.to_spec()["metaData"]["x"].append(3)
    assert read.to_spec()["metaData"] == {"labels": ["a"], "x": [1]}


def test_spec__id_removed() -> None:
    """A transform whose id was removed is written without an id."""
    read = from_spec({"type": "ref", "refId": "lens", "id": "r", "metaData": {"labels": ["a"], "x": 1}})
    assert read.evolve(id=None, labels=()).to_spec() == {
        "type": "ref",
        "refId": "lens",
        "metaData": {"labels": [], "x": 1},
    }


def test_unknown__is_a_value() -> None:
    """Unknown transforms are equal if class and text are."""
    assert UnknownTransform("a.B", "1") == from_spec({"className": "a.B", "dataString": "1"})
    assert UnknownTransform("a.B", "1") != UnknownTransform("a.B", "2")


def real_specs() -> list[Any]:
    """Return every available file of real tile specs and transforms."""
    found = sorted({*DATA.glob("*/*.json"), *DATA.glob("*/*.json.gz")} - {DATA / name for name in NOT_READABLE})
    missing = pytest.param(DATA, id="real", marks=pytest.mark.skip(reason=f"no real data in {DATA}"))
    return [pytest.param(path, id=f"{path.parent.name}/{path.name}") for path in found] or [missing]


@pytest.mark.parametrize("path", real_specs())
def test_spec__real_data(path: Path) -> None:
    """Real transforms are preserved by reading and writing."""
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode()
    found = list(transforms_in(json.loads(text)))
    for spec in found:
        assert from_spec(spec).to_spec() == spec


def transforms_in(value: Any) -> Iterator[dict[str, Any]]:
    """Yield the outermost transforms of decoded JSON."""
    if isinstance(value, dict) and (
        ("className" in value and "dataString" in value) or value.get("type") in ("list", "ref")
    ):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from transforms_in(part)


def test_split_at_lens__labelled() -> None:
    """The lens correction ends with the last transform labelled ``lens``."""
    lens, drift = SHIFT.evolve(labels=["lens"]), SHIFT.evolve(id="drift")
    for items, size in (([lens, drift, SHIFT], 1), ([drift, lens, lens, SHIFT, drift], 3), ([drift, lens], 2)):
        before, after = TransformList(items).split_at_lens()
        assert list(before) == items[:size]
        assert list(after) == items[size:]


def test_split_at_lens__without_labels() -> None:
    """Without labels the lens correction is all but the last transform, at most two."""
    for count, size in ((0, 0), (1, 0), (2, 1), (3, 2), (5, 2)):
        before, after = TransformList([SHIFT] * count).split_at_lens()
        assert (len(before), len(after)) == (size, count - size)
