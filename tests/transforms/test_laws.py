"""Laws that every transform class satisfies."""

from __future__ import annotations

import functools
import json
import operator
import pickle

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rendergateway.errors import ConversionError
from rendergateway.geometry import FloatArray
from rendergateway.transforms import (
    CLASSES,
    AffineModel2D,
    InterpolatedTransform,
    LeafTransform,
    MovingLeastSquaresTransform2,
    NewtonInverse,
    PolynomialTransform2D,
    RigidModel2D,
    SimilarityModel2D,
    Transform,
    TransformList,
    TranslationModel2D,
    from_spec,
)
from tests.transforms.examples import EXAMPLES, REGION

# Pixels: a few roundings of coordinates up to 1e4.
ROUNDING_PX = 1e-9
# Pixels: tolerance in output pixels, for slopes of at least 0.1; a thousand times as large for the class with 32-bit
# weights.
NEWTON_PX: dict[type[Transform], float] = {MovingLeastSquaresTransform2: 1e-5}
NEWTON_PX_OTHERWISE = 1e-8
# Relative: the spacing of 32-bit floats, the precision that these classes are parsed with.
SINGLE = 1e-7
READ_AS_FLOATS = (TranslationModel2D, RigidModel2D, SimilarityModel2D, MovingLeastSquaresTransform2)
# Pixels per pixel: central differences of step 1e-3 against the formula.
SLOPE: dict[type[Transform], float] = {MovingLeastSquaresTransform2: 1e-4}
SLOPE_OTHERWISE = 1e-5

every = pytest.mark.parametrize("transform", EXAMPLES.values(), ids=EXAMPLES)


def points_of(region_seed: int = 3, count: int = 40) -> FloatArray:
    rng = np.random.default_rng(region_seed)
    return np.array([REGION.max_x, REGION.max_y]) * rng.random((count, 2))


def holds_floats(transform: Transform) -> bool:
    """Return whether a round trip through text rounds the transform to 32 bits."""
    parts = [getattr(transform, name) for name in ("a", "b") if hasattr(transform, name)]
    nested = [*(transform if isinstance(transform, TransformList) else ()), *parts]
    return isinstance(transform, READ_AS_FLOATS) or any(map(holds_floats, filter(_is_transform, nested)))


def _is_transform(value: object) -> bool:
    return isinstance(value, Transform)


@every
def test_apply__any_leading_shape(transform: Transform) -> None:
    """One point, a list, an empty array and an array of any shape map equally."""
    points = points_of(count=24)
    mapped = transform.apply(points)

    np.testing.assert_allclose(transform.apply(points[0]), mapped[0], rtol=0, atol=ROUNDING_PX)
    np.testing.assert_allclose(transform.apply(points.tolist()), mapped, rtol=0, atol=ROUNDING_PX)
    shaped = transform.apply(points.reshape(2, 3, 4, 2))
    np.testing.assert_allclose(shaped, mapped.reshape(2, 3, 4, 2), rtol=0, atol=ROUNDING_PX)
    assert transform.apply(np.empty((0, 2))).shape == (0, 2)


def test_apply__polynomials_summed_in_order() -> None:
    """A single point is mapped to the same bits as among others: terms are summed in their order, as in the service."""
    bend = PolynomialTransform2D(np.random.default_rng(1).random((2, 21)) * 10.0 ** -np.arange(21))
    points = points_of(count=500)

    alone = np.concatenate([bend.apply(point[np.newaxis]) for point in points])

    np.testing.assert_array_equal(alone, bend.apply(points))


@every
def test_apply__many_points(transform: Transform) -> None:
    """The code path for many points agrees with the one for few."""
    points = points_of(count=10_500)
    few = np.concatenate([transform.apply(part) for part in np.split(points, 3)])
    np.testing.assert_allclose(transform.apply(points), few, rtol=0, atol=ROUNDING_PX)


@every
def test_apply__leaves_its_input(transform: Transform) -> None:
    """The input is not modified, and the result is a new array."""
    points = np.array([[10.0, 20.0], [30.0, 40.0]])
    mapped = transform.apply(points)
    mapped += 1
    np.testing.assert_array_equal(points, [[10, 20], [30, 40]])


@every
def test_inverse__round_trip(transform: Transform) -> None:
    """Transform and inverse undo each other in both orders."""
    points = points_of()
    mapped = transform.apply(points)
    inverse, tolerance = transform.inverse(), NEWTON_PX.get(type(transform), NEWTON_PX_OTHERWISE)

    np.testing.assert_allclose(inverse.apply(mapped), points, rtol=0, atol=tolerance)
    np.testing.assert_allclose(transform.apply(inverse.apply(mapped)), mapped, rtol=0, atol=tolerance)
    np.testing.assert_allclose(inverse.inverse().apply(points), mapped, rtol=0, atol=tolerance)


@every
def test_jacobian__differences(transform: Transform) -> None:
    """Jacobian matrices agree with finite differences."""
    points, step = points_of() + 0.123, 1e-3
    columns = [
        (transform.apply(points + step * axis) - transform.apply(points - step * axis)) / (2 * step)
        for axis in np.eye(2)
    ]
    tolerance = SLOPE.get(type(transform), SLOPE_OTHERWISE)
    np.testing.assert_allclose(transform.jacobian(points), np.stack(columns, axis=-1), rtol=0, atol=tolerance)


@every
def test_jacobian__of_the_inverse(transform: Transform) -> None:
    """Jacobian matrices of the inverse are the inverses of the Jacobian matrices."""
    points = points_of()
    product = transform.inverse().jacobian(transform.apply(points)) @ transform.jacobian(points)
    np.testing.assert_allclose(product, np.broadcast_to(np.eye(2), product.shape), rtol=0, atol=1e-6)


@every
def test_matmul__identity(transform: Transform) -> None:
    """The identity is neutral on both sides of a composition."""
    points = points_of()
    for whole in (transform @ AffineModel2D(), AffineModel2D() @ transform, transform @ TransformList()):
        np.testing.assert_allclose(whole.apply(points), transform.apply(points), rtol=0, atol=ROUNDING_PX)


@every
@pytest.mark.parametrize("other", ["affine", "polynomial", "homography", "thin-plate", "list"])
def test_matmul__order(transform: Transform, other: str) -> None:
    """``a @ b`` is a after b."""
    points, before = points_of(), EXAMPLES[other]
    expected = transform.apply(before.apply(points))
    # Relative: composed polynomials sum many powers of pixels.
    np.testing.assert_allclose((transform @ before).apply(points), expected, rtol=1e-9, atol=ROUNDING_PX)


@every
def test_spec__round_trip(transform: Transform) -> None:
    """A transform equals its round trip through JSON; 32-bit classes up to their precision."""
    spec = json.loads(json.dumps(transform.to_spec()))
    again = from_spec(spec)

    assert type(again) is type(transform)
    assert (again.id, again.labels) == (transform.id, transform.labels)
    if holds_floats(transform):
        np.testing.assert_allclose(again.apply(points_of()), transform.apply(points_of()), rtol=SINGLE, atol=1e-4)
    else:
        assert again == transform
    assert again.to_spec() == spec


@every
def test_equality_and_hash(transform: Transform) -> None:
    """A copy is equal and has the same hash; another id, other labels or another example are different values."""
    copy = attrs.evolve(transform)
    assert copy == transform
    assert hash(copy) == hash(transform)
    assert transform.evolve(id="another") != transform
    assert transform.evolve(labels=("another",)) != transform
    assert [other for other in EXAMPLES.values() if other == transform] == [transform]


@every
def test_pickle(transform: Transform) -> None:
    """An unpickled transform is equal and keeps its original text."""
    read = from_spec(transform.to_spec())
    again = pickle.loads(pickle.dumps(read))
    assert again == read
    assert again.to_spec() == read.to_spec()


@every
def test_frozen(transform: Transform) -> None:
    """Members and arrays of a transform are read-only."""
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        transform.id = "other"  # type: ignore[misc]
    for field in attrs.fields(type(transform)):
        value = getattr(transform, field.name)
        if isinstance(value, np.ndarray):
            with pytest.raises(ValueError, match=r"read-only"):
                value[...] = 0


@every
def test_as_affine(transform: Transform) -> None:
    """An affine transform converts exactly; others need a region to fit over."""
    points = points_of()
    if transform.is_affine:
        np.testing.assert_allclose(
            transform.as_affine().apply(points), transform.apply(points), rtol=0, atol=ROUNDING_PX
        )
        return
    with pytest.raises(ConversionError, match="region"):
        transform.as_affine()
    # Pixels: every example is that close to an affine over the region.
    np.testing.assert_allclose(transform.as_affine(REGION).apply(points), transform.apply(points), rtol=0, atol=15)


@every
def test_approximate__reports_its_worst_point(transform: Transform) -> None:
    """No error of the fit of order 3 exceeds the reported one."""
    fit, worst_px = transform.approximate(order=3, region=REGION)
    errors = np.linalg.norm(fit.apply(points_of()) - transform.apply(points_of()), axis=1)
    # Ten percent more: the error can be slightly larger between the points of the grid.
    assert errors.max() <= 1.1 * worst_px + ROUNDING_PX


@every
def test_text_survives(transform: Transform) -> None:
    """The original text is preserved until a parameter changes."""
    if not isinstance(transform, LeafTransform):
        return
    odd = {**transform.to_spec(), "dataString": f"{transform.data_string}  ", "note": {"by": ["hand"]}}
    read = from_spec(odd)
    assert read.to_spec() == odd
    assert read.evolve(labels=("lens",)).to_spec() == {**odd, "metaData": {"labels": ["lens"]}}
    field = next(field.name for field in attrs.fields(type(read)) if field.init and not field.kw_only)
    changed = read.evolve(**{field: getattr(read, field)}).to_spec()
    assert changed["note"] == odd["note"]
    assert changed["dataString"] != odd["dataString"]


@every
def test_repr__names_the_class(transform: Transform) -> None:
    """The repr starts with the class name and is one line."""
    assert repr(transform).startswith(f"{type(transform).__name__}(")
    assert "\n" not in repr(transform)


def test_examples__every_class() -> None:
    """These laws cover every class that can be applied."""
    assert {type(transform) for transform in EXAMPLES.values()} == {
        *CLASSES.values(),
        TransformList,
        InterpolatedTransform,
    }


def test_inverse__numerical_only_if_not_affine() -> None:
    """Only transforms that are not affine and have no formula have a numerical inverse."""
    solved = {name for name, transform in EXAMPLES.items() if isinstance(transform.inverse(), NewtonInverse)}
    assert solved == {
        *("polynomial", "lens", "thin-plate", "thin-plate-without-affine", "moving-affine", "moving-rigid", "moving-2"),
        *("warp-field", "exponential", "wrong-sign", "recovery", "sem", "stage-creep", "field", "interpolated"),
    }


numbers = st.floats(-1e6, 1e6).filter(lambda value: value == 0 or abs(value) > 1e-6)


@settings(max_examples=60, deadline=None)
@given(st.lists(numbers, min_size=6, max_size=6), st.lists(numbers, min_size=6, max_size=6))
def test_affine__matrix_products(a: list[float], b: list[float]) -> None:
    """The composition of affines is the product of their matrices, rounded at each step, for any numbers."""
    first, second = AffineModel2D(np.reshape(a, (2, 3))), AffineModel2D(np.reshape(b, (2, 3)))
    before, after = (np.vstack([affine.matrix, [0, 0, 1]]).tolist() for affine in (first, second))
    expected = [
        [functools.reduce(operator.add, map(operator.mul, row, column)) for column in zip(*before, strict=True)]
        for row in after
    ]
    whole = second @ first
    assert isinstance(whole, AffineModel2D)
    np.testing.assert_array_equal(whole.matrix, expected[:2])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=6, max_size=6))
def test_affine__text_keeps_every_double(values: list[float]) -> None:
    """Any finite double is preserved by newly formatted text."""
    transform = AffineModel2D(np.reshape(values, (2, 3)))
    assert from_spec(transform.to_spec()) == transform
