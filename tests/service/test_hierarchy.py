"""Warp fields of hierarchical data that is incomplete, or too much."""

from __future__ import annotations

from typing import Any

import pytest

from rendergateway.service.handlers import hierarchy
from tests.service.conftest import AFFINE, Service

PROJECT = "/owner/lab/project/tissue"
FIELD = f"{PROJECT}/z/1/affineWarpFieldTransform"
WHOLE: dict[str, Any] = {
    "alignedStackId": {"owner": "lab", "project": "tissue", "stack": "aligned"},
    "tierRow": 0, "tierColumn": 1, "totalTierRowCount": 2, "totalTierColumnCount": 3, "scale": 0.5,
    "fullScaleBounds": {"minX": 300, "minY": 50, "maxX": 500, "maxY": 150},
}  # fmt: skip


def _service(service: Service, tile_id: str, *, class_name: str = AFFINE, **members: Any) -> Service:
    """Return a service with one tier, and a tile in its aligned stack."""
    for name in ("tier", "aligned"):
        assert service.send("POST", f"{PROJECT}/stack/{name}", {}).status_code == 201
    transforms = [{"type": "leaf", "className": class_name, "dataString": "1 0 0 1 3 4"}] if class_name else []
    spec = {
        "tileId": tile_id, "z": 1, "minX": 0, "minY": 0, "maxX": 9, "maxY": 9,
        "transforms": {"type": "list", "specList": transforms},
    }  # fmt: skip
    body = {"tileIdToSpecMap": {tile_id: spec}}
    assert service.send("PUT", f"{PROJECT}/stack/aligned/resolvedTiles", body).status_code == 201
    members = {name: value for name, value in (WHOLE | members).items() if value is not None}
    assert service.send("PUT", f"{PROJECT}/stack/tier/hierarchicalData", members).status_code == 200
    return service


def test_field__a_grid_of_cells_like_its_tier(service: Service) -> None:
    """A field has the size of all its tiers, also of those that are not aligned and not moved."""
    made = _service(service, "z_1.0_box_300_50_200_100_0.500000")

    words = made.json(FIELD)["dataString"].split()

    assert words[:6] == ["100.0", "50.0", "600.0", "200.0", "2", "3"]
    values = list(map(float, words[8:]))
    assert [values[6 * n : 6 * n + 6] for n in (0, 4)] == [[1.0] * 6, [0.0, -294.0, 0.0, 0.0, 0.0, 0.0]]


@pytest.mark.parametrize(
    "members",
    [
        {"tierRow": None}, {"tierColumn": None}, {"totalTierRowCount": None}, {"fullScaleBounds": None},
        {"fullScaleBounds": {"minX": 1}},
    ],
    ids=str,
)  # fmt: skip
def test_field__member_missing(service: Service, members: dict[str, Any]) -> None:
    """A missing member is an error without a message, like a missing scale of a tile that exists."""
    answer = _service(service, "a", **members).send("GET", FIELD)

    assert (answer.status_code, answer.text) == (500, "")


def test_field__scale_missing(service: Service) -> None:
    """Without a scale the tile is looked up first."""
    answer = _service(service, "z_1.0_box_300_50_200_100_null", scale=None).send("GET", FIELD)

    assert (answer.status_code, answer.text) == (500, "")


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        ({"tierRow": 2}, "tier outside of its warp field: got row 2 and column 1 of 2 × 3 tiers"),
        ({"tierColumn": -1}, "tier outside of its warp field: got row 0 and column -1 of 2 × 3 tiers"),
        (
            {"totalTierRowCount": 2**31 - 1, "totalTierColumnCount": 2**31 - 1},
            "warp field too large: got 2147483647 × 2147483647 tiers, the limit is 1000000",
        ),
    ],
    ids=["row", "column", "too large"],
)
def test_field__cell_outside(service: Service, members: dict[str, Any], sentence: str) -> None:
    """A tier outside of its field, or of a field beyond the memory, is refused with a sentence."""
    answer = _service(service, "z_1.0_box_300_50_200_100_0.500000", **members).send("GET", FIELD)

    assert (answer.status_code, answer.text) == (500, sentence)


def test_field__infinite_box(service: Service) -> None:
    """Sides that are not finite are whole numbers of Java in the id of the tile."""
    box = {"minX": "-Infinity", "minY": 50, "maxX": "NaN", "maxY": 150}

    answer = _service(service, "a", fullScaleBounds=box).send("GET", FIELD)

    assert (answer.status_code, "z_1.0_box_" in answer.text) == (404, True)


@pytest.mark.parametrize("class_name", ["", "mpicbg.trakem2.transform.TranslationModel2D"], ids=["none", "other"])
def test_field__last_transform_not_affine(service: Service, class_name: str) -> None:
    """A tile whose last transform is not an affine is named."""
    tile_id = "z_1.0_box_300_50_200_100_0.500000"

    answer = _service(service, tile_id, class_name=class_name).send("GET", FIELD)

    assert answer.status_code == 400
    assert class_name.rpartition(".")[2] in answer.text or f"last transform of tile '{tile_id}'" in answer.text


@pytest.mark.parametrize(
    ("number", "digits", "text"),
    [
        (1.25, 1, "1.3"), (1.35, 1, "1.4"), (-1.75, 1, "-1.8"), (2, 1, "2.0"), (1e300, 1, "1" + "0" * 300 + ".0"),
        (0.0000005, 6, "0.000001"), (None, 6, "null"), (float("inf"), 1, "Infinity"),
    ],
)  # fmt: skip
def test_fixed__as_java_formats(number: float | None, digits: int, text: str) -> None:
    """Numbers in tile ids are rounded half up from their shortest text."""
    assert hierarchy._fixed(number, digits) == text


def test_missing_layers__collection_of_hierarchy_gone(service: Service) -> None:
    """A group id must be a number; the sentence is that of Java."""
    made = _service(service, "a", matchCollectionId={"owner": "lab", "name": "m"}, savedMatchPairCount=1)
    names = {"pGroupId": "1.0", "pId": "a", "qGroupId": "x1", "qId": "b"}
    pair = names | {"matches": {"p": [[1], [2]], "q": [[3], [4]], "w": [1]}}
    assert made.send("PUT", "/owner/lab/matchCollection/m/matches", [pair]).status_code == 201

    answer = made.send("GET", f"{PROJECT}/stack/tier/missingTierMatchLayers")

    assert (answer.status_code, answer.text) == (400, 'For input string: "x1"')
