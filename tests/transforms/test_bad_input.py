"""Wrong parameters, texts and specifications: typed errors that say what stood where."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rendergateway.errors import ConversionError, NotInvertibleError, TransformError
from rendergateway.transforms import (
    CLASSES,
    AffineModel2D,
    AffineWarpFieldTransform,
    ExponentialFunctionOffsetTransform,
    HomographyModel2D,
    InterpolatedTransform,
    MovingLeastSquaresTransform,
    NonLinearCoordinateTransform,
    PolynomialTransform2D,
    RigidModel2D,
    SEMDistortionTransformA,
    SimilarityModel2D,
    ThinPlateSplineTransform,
    Transform,
    TransformList,
    TransformReference,
    TranslationModel2D,
    UnknownTransform,
    fit_thin_plate_spline,
    from_spec,
    mesh_inverse,
)
from tests.transforms.examples import EXAMPLES

MPICBG = "mpicbg.trakem2.transform."
JANELIA = "org.janelia.alignment.transform."
NLINEAR = "net.imglib2.interpolation.randomaccess.NLinearInterpolatorFactory"


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        (MPICBG + "AffineModel2D", "1 0 0 1 5", "6 numbers expected (m00 m10 m01 m11 tx ty), found 5 in '1 0 0 1 5'"),
        (MPICBG + "AffineModel2D", "1 0 0 1 5 6 7", "found 7"),
        (MPICBG + "AffineModel2D", "", "found 0"),
        (MPICBG + "TranslationModel2D", "1 0 0 1 5 6", "2 numbers expected (tx ty), found 6"),
        (MPICBG + "RigidModel2D", "1 0", "found 2"),
        (MPICBG + "SimilarityModel2D", "1 0 3", "found 3"),
        (MPICBG + "HomographyModel2D", "1 0 3", "found 3"),
        (MPICBG + "PolynomialTransform2D", "1 2 3 4 5 6 7 8", "2, 6, 12, 20, 30, 42, … numbers expected, found 8"),
        (MPICBG + "PolynomialTransform2D", "1 2 3", "found 3"),
        (MPICBG + "PolynomialTransform2D", "", "found 0"),
        (MPICBG + "NonLinearCoordinateTransform", "2", "dimension and length expected, found 1 words"),
        (MPICBG + "NonLinearCoordinateTransform", "2 6 1 2 3", "28 words, found length 6 and 5 words"),
        (MPICBG + "NonLinearCoordinateTransform", "2 5 " + "1 " * 22, "dimension 2 has length 6"),
        (MPICBG + "ThinPlateSplineTransform", "ThinPlateSplineR2LogR 2 5 null", "5 words expected"),
        (
            MPICBG + "ThinPlateSplineTransform",
            "ThinPlateSplineR2LogR 3 5 null @AA==",
            "2 dimensions and landmarks expected",
        ),
        (
            MPICBG + "ThinPlateSplineTransform",
            "ThinPlateSplineR2LogR 2 5 null @AA==",
            "points has 1 bytes, 160 expected",
        ),
        (MPICBG + "ThinPlateSplineTransform", "ThinPlateSplineR2LogR 2 5 null eJz_", "points is no packed block"),
        (MPICBG + "ThinPlateSplineTransform", "ThinPlateSplineR2LogR 2 5 eJxj 0", "the affine part is no packed block"),
        (MPICBG + "MovingLeastSquaresTransform2", "affine 2 2.0 1 2 3 4", "5 for each match expected"),
        (MPICBG + "MovingLeastSquaresTransform2", "banana 2 2.0 1 2 3 4 5", "found banana in 2"),
        (JANELIA + "AffineWarpFieldTransform", "0 0 9 9 1 1", "found 6 words"),
        (JANELIA + "AffineWarpFieldTransform", f"0 0 9 9 1 1 {NLINEAR} none 1 0 0 1 5", "found none with 5"),
        (JANELIA + "AffineWarpFieldTransform", f"0 0 9 9 1 1 {NLINEAR} zip 1 0 0 1 5 6", "found zip with 6"),
        (JANELIA + "AffineWarpFieldTransform", f"0 0 9 9 0 1 {NLINEAR} none 1", "found 0 and 1"),
        (JANELIA + "ExponentialFunctionOffsetTransform", "1,2,3", "found 3"),
        (JANELIA + "ExponentialFunctionOffsetTransform", "1,2,3,4", "dimension is 0 (x) or 1 (y), not 4"),
        (JANELIA + "SEMDistortionTransformA", "1,2,3,0", "5 numbers expected (a b c d dimension)"),
    ],
)
def test_from_spec__wrong_text(name: str, text: str, found: str) -> None:
    """A text of the wrong form starts with the service's sentence and goes on with what stood there."""
    with pytest.raises(TransformError) as caught:
        from_spec({"className": name, "dataString": text})
    sentence, _, rest = str(caught.value).partition("; ")
    assert sentence == f"Inappropriate parameters for {name}"
    assert found in rest


@pytest.mark.parametrize("transform", [value for value in EXAMPLES.values() if hasattr(value, "data_string")])
def test_from_spec__truncated_text(transform: Any) -> None:
    """Every text lacking its last word is refused."""
    spec = transform.to_spec()
    words = spec["dataString"].replace(",", " ").split()
    with pytest.raises(TransformError, match=r"^Inappropriate parameters for "):
        from_spec({**spec, "dataString": " ".join(words[:-1])})


@pytest.mark.parametrize("word", ["x", "1_000", "inf", "nan", "1,5", "--1", "0x10", "1e", "Nan"])
def test_from_spec__not_a_number(word: str) -> None:
    """What Java cannot read as a number starts with Java's sentence."""
    with pytest.raises(TransformError) as caught:
        AffineModel2D.from_data_string(f"1 0 0 1 5 {word}")
    assert str(caught.value) == (
        f'For input string: "{word}"; word 6 of the dataString of {MPICBG}AffineModel2D is no number'
    )


def test_from_spec__not_a_count() -> None:
    """A count that is none starts with Java's sentence."""
    with pytest.raises(TransformError, match=r'^For input string: "2.0"; dimension of .* is a whole number'):
        NonLinearCoordinateTransform.from_data_string("2.0 6")


@pytest.mark.parametrize(("word", "value"), [("1d", 1), ("1E-5", 1e-5), ("+.5", 0.5), ("5.", 5), ("1.0E10F", 1e10)])
def test_from_spec__java_spelling(word: str, value: float) -> None:
    """Java's spellings of numbers are read, blanks of any kind between them."""
    assert AffineModel2D.from_data_string(f" 1 0\t0  1 5\n{word} ").matrix[1, 2] == value


def test_not_finite__read_but_not_written() -> None:
    """NaN is read and its text kept, as the service does it; new text with it is refused, and so is an inverse."""
    spec = {"type": "leaf", "className": MPICBG + "AffineModel2D", "dataString": "NaN 0 0 1 Infinity 0"}
    read = from_spec(spec)
    assert read.to_spec() == spec
    with pytest.raises(NotInvertibleError, match="AffineModel2D has no inverse: its determinant is nan"):
        read.inverse()
    with pytest.raises(TransformError, match=r"parameter 1 of .*AffineModel2D is nan; only finite numbers"):
        AffineModel2D([[np.nan, 0.0, 0.0], [0.0, 1.0, 0.0]]).to_spec()
    with pytest.raises(TransformError, match=r"parameter 2 of .*ThinPlateSplineTransform is inf"):
        ThinPlateSplineTransform([[0, np.inf]], [[0, 0]]).to_spec()


WRONG: list[tuple[Callable[..., Transform], tuple[Any, ...], str]] = [
    (AffineModel2D, ([[1, 0], [0, 1]],), r"matrix of AffineModel2D has shape \(2, 3\), not \(2, 2\)"),
    (
        AffineModel2D,
        ([[1, 0, 0], [0, "x", 0]],),
        r"matrix of AffineModel2D is an array of numbers of shape \(2, 3\), here",
    ),
    (HomographyModel2D, (np.eye(2),), r"matrix of HomographyModel2D has shape \(3, 3\)"),
    (PolynomialTransform2D, ([[1, 2], [3, 4]],), "1, 3, 6, 10, 15, 21, … coefficients per coordinate, not 2"),
    (PolynomialTransform2D, ([1, 2, 3],), r"coefficients of PolynomialTransform2D has shape \(2, N\), not \(3,\)"),
    (NonLinearCoordinateTransform, ([[1, 2]] * 6, [0] * 6, [1] * 5, 9, 9), "here are 6, 6 and 5"),
    (NonLinearCoordinateTransform, ([[1, 2]] * 3, [0] * 3, [1, 0, 0], 9, 9), "deviation 2 of .* is zero"),
    (ThinPlateSplineTransform, ([[1, 2]], [[1, 2]] * 2), "not 2 weights for 1 landmarks"),
    (
        ThinPlateSplineTransform,
        ([[1, 2]], [[1, 2]], np.eye(2)),
        r"affine of ThinPlateSplineTransform has shape \(2, 3\)",
    ),
    (MovingLeastSquaresTransform, ("affine", 1, [[1, 2]], [[1, 2]] * 2), "here are 2 and 1 for 1"),
    (MovingLeastSquaresTransform, ("cubic", 1, [[1, 2]], [[1, 2]]), "has model translation, .*, not 'cubic'"),
    (AffineWarpFieldTransform, ([0, 0], [9, 9], np.zeros((5, 1, 1))), r"values of .* has shape \(6, N, N\)"),
    (AffineWarpFieldTransform, ([0, 0], [9, 0], np.zeros((6, 1, 1))), "size above zero"),
    (AffineWarpFieldTransform, ([0, 0], [9, 9], np.zeros((6, 1, 1)), "cubic"), "interpolator of .*, not 'cubic'"),
    (ExponentialFunctionOffsetTransform, (1, 2, 3, 2), "dimension of an offset is 0 .* or 1 .*, not 2"),
    (TransformList, (["affine"],), "a TransformList holds transforms, not 'affine'"),
]


@pytest.mark.parametrize(("make", "arguments", "message"), WRONG)
def test_constructor__wrong_parameters(make: Any, arguments: tuple[Any, ...], message: str) -> None:
    """Wrong parameters are named with class and field."""
    with pytest.raises(TransformError, match=message):
        make(*arguments)


@pytest.mark.parametrize("points", [[1, 2, 3], 5, [[1], [2]], np.zeros((2, 3))])
@pytest.mark.parametrize("name", EXAMPLES)
def test_apply__wrong_shape(name: str, points: Any) -> None:
    """Points without x and y in the last axis are refused, by inverses as well."""
    for transform in (EXAMPLES[name], EXAMPLES[name].inverse()):
        with pytest.raises(TransformError, match=r"points are \(…, 2\)"):
            transform.apply(points)


SPECS: list[tuple[Any, str]] = [
    ("affine", "a transform is an object with type or className, here stands 'affine'"),
    ({"type": "leaf"}, "no className defined for leaf transform spec with id 'null'"),
    ({"id": "lens"}, "no className defined for leaf transform spec with id 'lens'"),
    (
        {"className": MPICBG + "AffineModel2D"},
        f"Inappropriate parameters for {MPICBG}AffineModel2D; dataString is missing",
    ),
    ({"type": "list"}, "specList of a transform list is a list, here stands None"),
    ({"type": "list", "specList": [3]}, "here stands 3"),
    ({"type": "ref"}, "refId is missing in a transform of type ref"),
    ({"type": "interpolated", "a": {}, "b": {}}, "no className"),
    ({"type": "ref", "refId": "a", "metaData": 5}, "metaData of a transform is an object, here stands 5"),
    ({"type": "ref", "refId": "a", "metaData": {"labels": "lens"}}, "labels of a transform is a list of words"),
]


@pytest.mark.parametrize(("spec", "message"), SPECS)
def test_from_spec__wrong_members(spec: Any, message: str) -> None:
    """Missing and wrong members are named."""
    with pytest.raises(TransformError) as caught:
        from_spec(spec)
    assert message in str(caught.value)


def test_from_spec__wrong_lambda() -> None:
    """A share that is no number is named."""
    side = AffineModel2D().to_spec()
    with pytest.raises(TransformError, match=r"lambda of an interpolated transform is a number, here stands 'half'"):
        from_spec({"type": "interpolated", "a": side, "b": side, "lambda": "half"})


def test_from_spec__of_another_class() -> None:
    """A class reads only its own specifications; the base class reads all."""
    spec = AffineModel2D().to_spec()
    assert Transform.from_spec(spec) == AffineModel2D.from_spec(spec) == AffineModel2D()
    with pytest.raises(TransformError, match="TranslationModel2D expected, the specification is that of AffineModel2D"):
        TranslationModel2D.from_spec(spec)


@pytest.mark.parametrize(
    "transform",
    [AffineModel2D([[1, 2, 0], [2, 4, 0]]), SimilarityModel2D(0, 0, 1, 2), HomographyModel2D(np.ones((3, 3)))],
)
def test_inverse__singular(transform: Transform) -> None:
    """A singular matrix has no inverse, and the class is named; points still map forward."""
    assert transform.apply([1, 1]).shape == (2,)
    with pytest.raises(NotInvertibleError, match=f"{type(transform).__name__} has no inverse"):
        transform.inverse()


def test_inverse__no_such_point() -> None:
    """The first point that no iteration reaches is named, with how many there are."""
    bowl = PolynomialTransform2D([[0, 0, 0, 1, 0, 1], [0, 0, 1, 0, 0, 0]])
    with pytest.raises(NotInvertibleError, match=r"PolynomialTransform2D is not invertible at \(-5\.0, 1\.0\).*1 of 2"):
        bowl.inverse().apply([[25, 3], [-5, 1]])
    with pytest.raises(NotInvertibleError, match=r"at \(nan, 1\.0\)"):
        bowl.inverse().apply([np.nan, 1])


def test_inverse__is_not_written() -> None:
    """The service has no class for an inverse that is solved."""
    curved = EXAMPLES["polynomial"]
    with pytest.raises(ConversionError, match="the inverse of PolynomialTransform2D has no class"):
        curved.inverse().to_spec()
    with pytest.raises(ConversionError, match="the mesh inverse of PolynomialTransform2D has no class"):
        mesh_inverse(curved, 100, 80).to_spec()


def test_homography__at_infinity() -> None:
    """A point that goes to infinity is named."""
    with pytest.raises(TransformError, match=r"HomographyModel2D carries \(-1\.0, 3\.0\) to infinity"):
        HomographyModel2D([[1, 0, 0], [0, 1, 0], [1, 0, 1]]).apply([[5, 5], [-1, 3]])


@pytest.mark.parametrize(
    ("transform", "message"),
    [
        (TransformReference("lens"), "reference 'lens' names a shared transform"),
        (UnknownTransform("a.b.C", "1 2"), "^transform class 'a.b.C' cannot be found; "),
    ],
)
def test_apply__refused(transform: Transform, message: str) -> None:
    """References and unknown classes refuse to map points, with a sentence."""
    for whole in (transform, TransformList([transform]), InterpolatedTransform(transform, AffineModel2D(), 0.5)):
        for refused in (whole.apply, whole.jacobian):
            with pytest.raises(TransformError, match=message):
                refused([0, 0])
    for inverted in (transform, TransformList([transform])):
        with pytest.raises(TransformError, match=message):
            inverted.inverse()


def test_conversion__refused() -> None:
    """Conversions that lose say so."""
    with pytest.raises(ConversionError, match="has terms above order 1"):
        PolynomialTransform2D([[0.0, 1.0, 0.0, 1e-9, 0.0, 0.0], [0.0] * 6]).as_order(1)
    with pytest.raises(ConversionError, match="ThinPlateSplineTransform is no polynomial"):
        EXAMPLES["thin-plate"].as_polynomial()
    with pytest.raises(ConversionError, match="zero scale has no shear"):
        _ = AffineModel2D([[1, 0, 0], [0, 0, 0]]).shear
    with pytest.raises(ConversionError, match="do not sum up to zero"):
        ThinPlateSplineTransform([[0, 0]], [[1, 0]]).scaled(2)
    with pytest.raises(TransformError, match="above zero, not 0"):
        fit_thin_plate_spline([(0, 0), (9, 0), (0, 9)], [(0, 0), (9, 0), (0, 9)]).scaled(0)


def test_mesh_inverse__no_size() -> None:
    """A mesh needs a size."""
    with pytest.raises(TransformError, match=r"width and height above 1 .* not 0\.0, 80\.0"):
        mesh_inverse(AffineModel2D(), 0, 80)


def test_labels__one_word() -> None:
    """A single word is no list of labels."""
    with pytest.raises(TransformError, match="labels are several words, here stands 'lens'"):
        AffineModel2D(labels="lens")


def test_matmul__something_else() -> None:
    """Only transforms are composed."""
    with pytest.raises(TypeError, match="AffineModel2D"):
        AffineModel2D() @ np.eye(2)  # type: ignore[operator]


def test_classes__aliases() -> None:
    """Every Java name of the table leads to the class of its simple name, former names to today's."""
    aliases = {name for name, leaf in CLASSES.items() if name != leaf.JAVA_NAME}
    assert aliases == {"lenscorrection.NonLinearTransform", MPICBG + "nonLinearTransform"}
    assert all(name.endswith("." + leaf.__name__) for name, leaf in CLASSES.items() if name not in aliases)
    assert {RigidModel2D, SEMDistortionTransformA} <= set(CLASSES.values())
