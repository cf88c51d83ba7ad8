"""Match trials: two pictures of the service, matched and described."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from rendergateway import BadRequestError, Gateway, NotFoundError, StackWrapper
from rendergateway.testing import make_stack
from tests.conftest import SHARED

RECORDING = SHARED / "recordings-of-real-data" / "rendering" / "match_trial.yaml"
SIFT = {"fdSize": 4, "minScale": 0.25, "maxScale": 1.0, "steps": 3}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackWrapper]:
    """One row of two overlapping tiles with images."""
    folder = tmp_path_factory.mktemp("trial")
    with Gateway(f"embedded:{folder / 'render.db'}", owner="lab", project="cortex") as gateway:
        yield make_stack(gateway, sections=1, rows=1, columns=2, images=folder / "images")


def parameters(stack: StackWrapper, *tiles: str, query: str = "?scale=0.5", **match: Any) -> dict[str, Any]:
    base = "http://elsewhere.test/render-ws/v1/owner/lab/project/cortex/stack/montage/tile"
    urls = [f"{base}/{tile}/render-parameters{query}" for tile in tiles or ("s1_r0_c0", "s1_r0_c1")]
    both = {"siftFeatureParameters": SIFT, "matchDerivationParameters": {"matchMaxEpsilon": 3, **match}}
    return {
        "featureAndMatchParameters": both,
        "pRenderParametersUrl": urls[0],
        "qRenderParametersUrl": urls[1],
    }


def run(stack: StackWrapper, **body: Any) -> dict[str, Any]:
    answer: dict[str, Any] = stack._conn.call("trial.run", owner="lab", body=body)
    return answer


def test_trial__matches_two_tiles(stack: StackWrapper) -> None:
    """The matches of a trial are those of the tiles, in pixels of full scale."""
    trial = run(stack, **parameters(stack))

    points = trial["matches"][0]
    p, q = (np.array(points[side]).T for side in "pq")
    shift = np.median(p - q, axis=0)
    assert len(p) == trial["stats"]["consensusSetSizes"][0] >= 4
    assert shift == pytest.approx([448, 0], abs=40)
    assert trial["parameters"]["featureAndMatchParameters"]["matchDerivationParameters"]["matchMaxEpsilon"] == 3.0
    assert 0 < trial["stats"]["overlappingCoveragePixels"] <= trial["stats"]["overlappingImagePixels"]


def test_trial__read_and_deleted(stack: StackWrapper) -> None:
    """A trial is read without its id, until it is deleted."""
    trial = run(stack, **parameters(stack))
    trial_id = trial.pop("id")
    call = stack._conn.call

    assert call("trial.read", owner="anyone", trial_id=trial_id) == trial
    call("trial.delete", owner="lab", trial_id=trial_id)
    with pytest.raises(NotFoundError, match=trial_id):
        call("trial.read", owner="lab", trial_id=trial_id)


def test_trial__no_matches(stack: StackWrapper) -> None:
    """A trial without matches has their number of features and no qualities."""
    trial = run(stack, **parameters(stack, matchMinNumInliers=100_000))

    assert trial["matches"] == trial["stats"]["consensusSetSizes"] == []
    assert "overlappingImagePixels" not in trial["stats"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"pRenderParametersUrl": "http://elsewhere.test/secret"}, "failed to load render parameters from"),
        ({"pRenderParametersUrl": "file:///etc/passwd"}, "failed to load render parameters from"),
        ({"pRenderParametersUrl": None}, "pRenderParametersUrl must be defined"),
    ],
)
def test_trial__bad_urls(stack: StackWrapper, change: dict[str, Any], sentence: str) -> None:
    """A URL of another host's files or pages is not requested but refused."""
    with pytest.raises(BadRequestError, match=sentence):
        run(stack, **{**parameters(stack), **change})


@pytest.mark.parametrize(
    ("match", "sentence"),
    [
        ({"matchModelType": "BENT"}, "model must be one of"),
        ({"matchIterations": 10**9}, "matchIterations must be 1 to"),
        ({"matchRegularizerModelType": "RIGID"}, "regularizer and its weight"),
    ],
)
def test_trial__bad_parameters(stack: StackWrapper, match: dict[str, Any], sentence: str) -> None:
    """Parameters out of range are refused with a sentence."""
    with pytest.raises(BadRequestError, match=sentence):
        run(stack, **parameters(stack, **match))


def test_trial__too_large(stack: StackWrapper) -> None:
    """A picture that would keep the service busy is refused."""
    with pytest.raises(BadRequestError, match="too large"):
        run(stack, **parameters(stack, query="?scale=10"))


def test_trial__members_as_recorded(stack: StackWrapper) -> None:
    """A trial has the members of one of the real service, in their order."""
    if not Path(RECORDING).exists():
        pytest.skip("recordings of real data are not here")
    recorded = yaml.safe_load(RECORDING.read_text(encoding="utf-8"))["interactions"]
    wanted = json.loads(
        next(one for one in recorded if "matchTrial" in one["request"]["uri"])["response"]["body"]["string"]
    )

    trial = run(stack, **parameters(stack, matchModelType="RIGID"))

    assert list(trial) == list(wanted)
    assert list(trial["stats"]) == list(wanted["stats"])
    for part in ("siftFeatureParameters", "matchDerivationParameters"):
        assert list(trial["parameters"]["featureAndMatchParameters"][part]) == list(
            wanted["parameters"]["featureAndMatchParameters"][part]
        )
