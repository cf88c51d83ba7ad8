"""Features and matches of made-up pictures, coverage, and the documents of stages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rendergateway.alignment.features import FeatureRule, Features, described
from rendergateway.alignment.matches import FILTERS, MatchRule, candidates, coverage, filtered, matched
from rendergateway.alignment.stages import MatchStage, PictureRule, stages_of
from rendergateway.errors import ConfigurationError, FitError, ImageError, RecordError
from rendergateway.rendering.base.opencv import cv2
from rendergateway.transforms.fitting.consensus import FitModel

SHIFT = np.array([37, 11])
ALL_SCALES = FeatureRule(min_scale=0.2, max_scale=1.0)


def texture(size: int = 300, seed: int = 3) -> Any:
    noise = np.random.default_rng(seed).integers(0, 256, (size, size), dtype=np.uint8)
    smooth = cv2.GaussianBlur(noise, (0, 0), 3).astype(float)
    return np.round(255 * (smooth - smooth.min()) / np.ptp(smooth)).astype(np.uint8)


def two_views() -> tuple[Any, Any]:
    """Two overlapping windows of one picture, the second one moved by `SHIFT`."""
    whole = texture()
    x, y = SHIFT
    return whole[:220, :220], whole[y : y + 220, x : x + 220]


@pytest.fixture(scope="module")
def features() -> tuple[Features, Features]:
    p, q = two_views()
    return described(p, ALL_SCALES), described(q, ALL_SCALES)


def made(points: Any, descriptors: Any = None, size: tuple[int, int] = (50, 40), mask: Any = None) -> Features:
    found = np.array(points, dtype=float).reshape(-1, 2)
    values = np.zeros((len(found), 128)) if descriptors is None else np.array(descriptors)
    return Features(found, values.astype(np.uint8), size, mask)


@pytest.mark.parametrize("filter", FILTERS)
def test_matched__finds_the_shift(features: Any, filter: str) -> None:
    """The matches of two views of one picture are its shift, whatever the filter."""
    found = matched(features[0], features[1], MatchRule(rod=0.8, epsilon_px=1.0, filter=filter))

    p, q = found.sets[0]
    assert len(p) > 20
    assert np.median(p - q, axis=0) == pytest.approx(SHIFT, abs=0.2)


def test_matched__same_each_time(features: Any) -> None:
    """Features and matches have no randomness."""
    again = described(two_views()[0], ALL_SCALES)
    one, other = (matched(first, features[1], MatchRule(epsilon_px=1.0)) for first in (features[0], again))

    assert np.array_equal(one.sets[0][0], other.sets[0][0])


def test_described__reduced() -> None:
    """Points of a reduced picture are in pixels of the original one."""
    p, q = (described(view, FeatureRule(min_scale=0.2, max_scale=0.6)) for view in two_views())

    found = matched(p, q, MatchRule(rod=0.9, epsilon_px=2.0))

    assert np.median(found.sets[0][0] - found.sets[0][1], axis=0) == pytest.approx(SHIFT, abs=0.5)


def test_described__masked() -> None:
    """No feature is at a pixel that the mask hides."""
    picture = two_views()[0]
    mask = np.full(picture.shape, 255, np.uint8)
    mask[:, :110] = 0

    found = described(picture, ALL_SCALES, mask)

    assert len(found) > 10
    assert found.points[:, 0].min() >= 110


def test_described__colours() -> None:
    """The luminance of a coloured picture counts."""
    picture = two_views()[0]
    grey, coloured = described(picture, ALL_SCALES), described(np.dstack([picture] * 3), ALL_SCALES)

    assert np.array_equal(grey.points, coloured.points)


def test_described__nothing_to_see() -> None:
    """A blank picture has no features, and no matches."""
    blank = described(np.full((64, 64), 7, np.uint8), ALL_SCALES)

    assert len(blank) == len(matched(blank, blank, MatchRule())) == 0


@pytest.mark.parametrize(
    ("low", "high", "scale", "octaves"),
    [(0.5, 0.85, 0.85, 1), (0.1, 1.0, 1.0, 4), (0.25, 0.95, 1.0, 2), (0.2, 0.6, 0.6, 2)],
)
def test_rule__octaves(low: float, high: float, scale: float, octaves: int) -> None:
    """Octaves reach from the largest scale to above the least one."""
    rule = FeatureRule(min_scale=low, max_scale=high)

    assert (rule.scale, rule.octaves) == (scale, octaves)


def test_features__as_a_file(features: Any, tmp_path: Path) -> None:
    """Features are read as they were written."""
    mask = np.arange(40 * 50).reshape(40, 50) % 3 > 0
    one = Features(features[0].points, features[0].descriptors, (50, 40), mask, (3.5, 7.0))
    path = tmp_path / "one.npz"
    path.write_bytes(one.to_bytes())

    again = Features.read(path)

    assert (again.size, again.origin) == (one.size, one.origin)
    for name in ("points", "descriptors", "mask"):
        assert np.array_equal(getattr(again, name), getattr(one, name))


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04broken"])
def test_features__damaged_file(tmp_path: Path, content: bytes) -> None:
    """A damaged file is reported by its name."""
    path = tmp_path / "one.npz"
    path.write_bytes(content)
    with pytest.raises(ImageError, match=r"one\.npz is not a file of features"):
        Features.read(path)


def test_candidates__ambiguous() -> None:
    """A point of q that is nearest to two features matches none; nor does a feature with two near partners."""
    near, far = np.zeros((2, 128), np.uint8)
    near[0] = far[1] = 200
    between = ((near.astype(int) + far) // 2).astype(np.uint8)
    q = made([[1, 1], [2, 2]], [near, far])

    p_points, q_points = candidates(made([[5, 5], [6, 6], [7, 7], [8, 8]], [near, near, far, between]), q, 0.9)

    assert (p_points.tolist(), q_points.tolist()) == ([[7, 7]], [[2, 2]])


def test_filtered__at_most() -> None:
    """More inliers than the limit are cut, the same ones each time."""
    p = np.random.default_rng(0).uniform(0, 100, (30, 2))
    rule = MatchRule(max_inliers=10, model=FitModel("TRANSLATION"))

    (one,), (other,) = (filtered(p, p + 5, rule) for _ in range(2))

    assert len(one[0]) == 10
    assert np.array_equal(one[0], other[0])
    assert one[1] - one[0] == pytest.approx(np.full((10, 2), 5.0))


def test_filtered__epsilon_of_full_scale() -> None:
    """An epsilon of full scale is reduced with the picture."""
    p = np.random.default_rng(0).uniform(0, 100, (30, 2))
    q = p + 5
    q[0, 0] += 3
    rule = MatchRule(full_scale_epsilon_px=8.0, model=FitModel("TRANSLATION"), max_trust=1e9)

    assert len(filtered(p, q, rule, 1.0)[0][0]) == 30
    assert len(filtered(p, q, rule, 0.25)[0][0]) == 29


def test_coverage__as_pixel_by_pixel() -> None:
    """Covered pixels are those of the overlap near a match, masks included."""
    random = np.random.default_rng(5)
    points = random.uniform(5, 35, (6, 2))
    masks = [random.random((40, 50)) > 0.3, random.random((30, 60)) > 0.3]
    p, q = made([], size=(50, 40), mask=masks[0]), made([], size=(60, 30), mask=masks[1])
    moved = np.array([[0.9, 0.1], [-0.1, 1.1]])

    found = coverage(p, q, points, points @ moved.T + [3.317, -4.241], 6.5)

    y, x = np.mgrid[:40, :50]
    place = np.stack([x, y], -1) @ moved.T + [3.317, -4.241]
    u, v = np.floor(place).astype(int).transpose(2, 0, 1)
    shared = masks[0] & (u >= 0) & (u < 60) & (v >= 0) & (v < 30)
    shared[shared] = masks[1][v[shared], u[shared]]
    near = (np.hypot(x[..., None] - points[:, 0], y[..., None] - points[:, 1]) <= 6.5).any(axis=-1)
    assert (found.overlap, found.covered) == (shared.sum(), (shared & near).sum())
    assert 0 < found.percentage < 100


def test_matched__too_little_covered(features: Any) -> None:
    """Matches that cover too little of the overlap are dropped."""
    rule = MatchRule(rod=0.8, epsilon_px=1.0, full_scale_coverage_radius_px=1.0, min_coverage_percentage=90)

    found = matched(features[0], features[1], rule)

    assert not found.sets
    assert found.covered is not None
    assert 0 < found.covered.percentage < 90


@pytest.mark.parametrize(
    ("position", "part"),
    [("", (0, 0, 200, 100)), ("LEFT", (170, 0, 30, 100)), ("RIGHT", (0, 0, 30, 100)),
     ("TOP", (0, 80, 200, 20)), ("BOTTOM", (0, 0, 200, 20))],
)  # fmt: skip
def test_picture__clipped(position: str, part: tuple[float, ...]) -> None:
    """The side next to the partner is drawn."""
    assert PictureRule(clip_width=30, clip_height=20).clipped((200, 100), position) == part


def test_stages__of_a_document() -> None:
    """A stage has the values of its document, and the defaults of the others."""
    text = b"""[{"stageName": "a", "maxNeighborDistance": 3,
        "featureRender": {"renderScale": 0.4, "renderWithFilter": false, "renderWithoutMask": false},
        "featureRenderClip": {"clipWidth": 500}, "featureExtraction": {"fdSize": 4, "steps": 5},
        "featureMatchDerivation": {"matchModelType": "RIGID", "matchMaxEpsilonFullScale": 7.5, "matchFilter": "NONE",
            "matchRegularizerModelType": "TRANSLATION", "matchInterpolatedModelLambda": 0.2}}]"""

    assert stages_of(text, "a.json") == (
        MatchStage.of(
            name="a", max_z_distance=3, scale=0.4, filter=False, mask=True, clip_width=500, fd_size=4, steps=5,
            model="rigid", regularizer="translation", regularizer_weight=0.2, full_scale_epsilon_px=7.5,
            match_filter="none",
        ),
    )  # fmt: skip
    assert stages_of(b"[{}]", "a.json")[0].matches.epsilon_px == 20.0


@pytest.mark.parametrize(
    ("text", "error", "sentence"),
    [
        (b"{}", RecordError, "a.json is not an array of match stages"),
        (b"[]", RecordError, "has no match stage"),
        (b'[{"featureRender": 3}]', RecordError, "featureRender of stage 0 of a.json must be an object"),
        (b'[{"geometricDescriptorAndMatch": {"gdEnabled": true}}]', ConfigurationError, "not supported"),
        (b'[{"featureMatchDerivation": {"matchModelType": "BENT"}}]', FitError, "model must be one of"),
        (b'[{"featureExtraction": {"steps": "x"}}]', RecordError, "wrong type"),
        (b'[{"featureRender": {"renderScale": 0}}]', ConfigurationError, "scale must be"),
    ],
)
def test_stages__bad_document(text: bytes, error: type[Exception], sentence: str) -> None:
    """Anything but a list of stages is refused with its name."""
    with pytest.raises(error, match=sentence):
        stages_of(text, "a.json")


def test_stage__unknown_option() -> None:
    """An option that is none of a stage is named."""
    with pytest.raises(TypeError, match="epsilon"):
        MatchStage.of(epsilon=3)


@pytest.mark.parametrize(("height", "found"), [(0.1, 0), (0.5, 1), (2.0, 1), (8.0, 0)])
def test_matched__flattened(height: float, found: int) -> None:
    """Affine matches that change the size of a picture more than four times in one direction are coincidences."""
    random = np.random.default_rng(3)
    points, descriptors = random.uniform(0, 200, (12, 2)), random.integers(0, 256, (12, 128))
    p, q = made(points, descriptors), made(points * [1.0, height], descriptors)

    assert len(matched(p, q, MatchRule(epsilon_px=1.0)).sets) == found
