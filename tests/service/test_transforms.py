"""Transforms read from wire specifications."""

from __future__ import annotations

import pytest

from rendergateway.errors import TransformError
from rendergateway.transforms import AffineModel2D, UnknownTransform
from rendergateway.wire import Interpolated, Leaf, Reference, SpecList
from rendergateway.wire.to_transform import affine_numbers, to_transform

AFFINE = Leaf(className=AffineModel2D.JAVA_NAME, dataString="0.9 0.1 -0.2 1.1 10 -5")
SHIFT = Leaf(className="mpicbg.trakem2.transform.TranslationModel2D", dataString="1234.5678901 -9.25")
UNKNOWN = Leaf(className="bunwarpj.trakem2.transform.CubicBSplineTransform", dataString="1 2")


def test_interpolated__as_recorded() -> None:
    """An interpolated transform maps to the recorded digits (cassettes/coordinates/splines, exchange 49)."""
    transform = to_transform(Interpolated(a=AFFINE, b=SHIFT, lambda_=0.25))

    assert transform.apply([50.5, 40.25]).tolist() == [356.81696777343745, 40.993750000000006]


def test_reference__looked_up_in_shared() -> None:
    """A reference becomes the shared transform of its id, also inside a list."""
    spec = SpecList(specList=[Reference(refId="lens"), AFFINE])

    assert to_transform(spec, {"lens": SHIFT}).apply([0, 0]).tolist() == (
        to_transform(SpecList(specList=[SHIFT, AFFINE])).apply([0, 0]).tolist()
    )
    with pytest.raises(TransformError, match=r"^spec reference to id 'lens' has not been resolved$"):
        to_transform(spec)


def test_unknown_class__kept_unless_applicable() -> None:
    """A transform of an unknown class is read, and refused only if it must be applicable."""
    assert isinstance(to_transform(UNKNOWN), UnknownTransform)
    with pytest.raises(TransformError, match=f"^transform class '{UNKNOWN.className}' cannot be found"):
        to_transform(SpecList(specList=[UNKNOWN]), applicable=True)


@pytest.mark.parametrize("spec", [None, SpecList(specList=[None]), Interpolated(a=AFFINE)])
def test_missing__refused(spec: SpecList | Interpolated | None) -> None:
    """A missing transform is refused wherever it is."""
    with pytest.raises(TransformError, match=r"^a transform is missing$"):
        to_transform(spec)


def test_affine_numbers__plain_notation_only() -> None:
    """Six decimal numbers are read as they are; other texts and classes are left to the general reader."""
    assert affine_numbers(AFFINE.className, "1 0 0 1 -5e1 .5") == (1.0, 0.0, 0.0, 1.0, -50.0, 0.5)
    for text in ("1 0 0 1 5", "1 0 0 1 5 NaN", "1 0 0 1 5 1e", None):
        assert affine_numbers(AFFINE.className, text) is None
    assert affine_numbers(SHIFT.className, AFFINE.dataString) is None
