"""Invalid parameters, texts and specifications raise typed errors that name the problem."""

from __future__ import annotations

import base64
import json
import os
import shutil
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rendergateway.errors import ConversionError, NotInvertibleError, TransformError
from rendergateway.transforms import (
    CLASSES,
    AffineModel2D,
    AffineWarpFieldTransform,
    DisplacementFieldTransform,
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
        (MPICBG + "AffineModel2D", "1 0 0 1 5", "6 numbers expected (m00 m10 m01 m11 tx ty): got 5 in '1 0 0 1 5'"),
        (MPICBG + "AffineModel2D", "1 0 0 1 5 6 7", "got 7"),
        (MPICBG + "AffineModel2D", "", "got 0"),
        (MPICBG + "TranslationModel2D", "1 0 0 1 5 6", "2 numbers expected (tx ty): got 6"),
        (MPICBG + "RigidModel2D", "1 0", "got 2"),
        (MPICBG + "SimilarityModel2D", "1 0 3", "got 3"),
        (MPICBG + "HomographyModel2D", "1 0 3", "got 3"),
        (MPICBG + "PolynomialTransform2D", "1 2 3 4 5 6 7 8", "expected 2, 6, 12, 20, 30, 42, … numbers: got 8"),
        (MPICBG + "PolynomialTransform2D", "1 2 3", "got 3"),
        (MPICBG + "PolynomialTransform2D", "", "got 0"),
        (MPICBG + "NonLinearCoordinateTransform", "2", "expected dimension and length: got 1 words"),
        (MPICBG + "NonLinearCoordinateTransform", "2 6 1 2 3", "28 words: got length 6 and 5 words"),
        (MPICBG + "NonLinearCoordinateTransform", "2 5 " + "1 " * 22, "dimension 2 needs length 6"),
        (MPICBG + "ThinPlateSplineTransform", "ThinPlateSplineR2LogR 2 5 null", "expected 5 words"),
        (
            MPICBG + "ThinPlateSplineTransform",
            "ThinPlateSplineR2LogR 3 5 null @AA==",
            "expected 2 dimensions and landmarks: got 3",
        ),
        (
            MPICBG + "ThinPlateSplineTransform",
            "ThinPlateSplineR2LogR 2 5 null @AA==",
            "points must have 160 bytes (20 doubles): got 1",
        ),
        (MPICBG + "ThinPlateSplineTransform", "ThinPlateSplineR2LogR 2 5 null eJz_", "points is not a packed block"),
        (MPICBG + "ThinPlateSplineTransform", "ThinPlateSplineR2LogR 2 5 eJxj 0", "affine part is not a packed block"),
        (MPICBG + "MovingLeastSquaresTransform2", "affine 2 2.0 1 2 3 4", "5 per match (px py qx qy w): got 7 words"),
        (MPICBG + "MovingLeastSquaresTransform2", "banana 2 2.0 1 2 3 4 5", "got banana in 2"),
        (JANELIA + "AffineWarpFieldTransform", "0 0 9 9 1 1", "got 6 words"),
        (JANELIA + "AffineWarpFieldTransform", f"0 0 9 9 1 1 {NLINEAR} none 1 0 0 1 5", "got none with 5"),
        (JANELIA + "AffineWarpFieldTransform", f"0 0 9 9 1 1 {NLINEAR} zip 1 0 0 1 5 6", "got zip with 6"),
        (JANELIA + "AffineWarpFieldTransform", f"0 0 9 9 0 1 {NLINEAR} none 1", "got 0 and 1"),
        (JANELIA + "ExponentialFunctionOffsetTransform", "1,2,3,4", "dimension must be 0 (x) or 1 (y): got 4"),
    ],
)
def test_from_spec__wrong_text(name: str, text: str, found: str) -> None:
    """The error for an invalid text starts with the service's message, followed by details."""
    with pytest.raises(TransformError) as caught:
        from_spec({"className": name, "dataString": text})
    sentence, _, rest = str(caught.value).partition("; ")
    assert sentence == f"Inappropriate parameters for {name}"
    assert found in rest


@pytest.mark.parametrize("transform", [value for value in EXAMPLES.values() if hasattr(value, "data_string")])
def test_from_spec__truncated_text(transform: Any) -> None:
    """Every text without its last word is rejected."""
    spec = transform.to_spec()
    words = spec["dataString"].replace(",", " ").split()
    with pytest.raises(TransformError, match=r"^(Inappropriate parameters for |transform data must|offset in )"):
        from_spec({**spec, "dataString": " ".join(words[:-1])})


FIELD = JANELIA + "DisplacementFieldTransform"


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        (
            JANELIA + "StageCreepCorrectionTransform",
            "1 2,,3 0",
            "transform data must contain 5 comma or space separated values (4 coefficients followed by dimension), "
            "found 4 values instead; ",
        ),
        (
            JANELIA + "ExponentialFunctionOffsetTransformWithWrongSign",
            "1,2,0",
            "transform data must contain 4 comma or space separated values (3 coefficients followed by dimension), "
            "found 3 values instead; ",
        ),
        (JANELIA + "SEMDistortionTransformA", "1,2,3,4\t0", "transform data must contain 5 "),
        (
            FIELD,
            "/data?z=5&zoom=2",
            "unknown query parameter 'zoom' in '/data?z=5&zoom=2'; supported parameters are [z, scale, offset, "
            "vectorScale]",
        ),
        (FIELD, "/data?scale=2", "missing required parameter 'z' in transform data '/data?scale=2'"),
        (FIELD, "/data", "missing query in transform data '/data'; "),
        (FIELD, "/data?z=1.5", 'For input string: "1.5"; z of '),
        (FIELD, "/data?z=1&scale=x", 'For input string: "x"; '),
        (FIELD, "/data?z=1&offset=3", "offset in transform data '/data?z=1&offset=3' must be <x>,<y>: got '3'"),
    ],
)
def test_from_spec__wrong_text_of_newer_classes(name: str, text: str, sentence: str) -> None:
    """Classes of newer services refuse invalid texts with the sentences of those services."""
    with pytest.raises(TransformError) as caught:
        from_spec({"className": name, "dataString": text})
    assert str(caught.value).startswith(sentence)


def test_displacement_field__first_form() -> None:
    """The first form of displacement fields is preserved, and only applying it is an error."""
    spec = {"type": "leaf", "className": FIELD, "dataString": "/f.n5?scaleIndex=1&zIndex=2&scaleX=8&scaleY=8"}
    read = from_spec(spec)
    assert read.to_spec() == spec
    with pytest.raises(TransformError, match=r"DisplacementFieldTransform' is not supported with scaleIndex"):
        read.apply([0, 0])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"data_type": "uint8"}, "must have float32 data, 2 channels, .*: got uint8, 2, raw"),
        ({"num_channels": 1}, "got float32, 1, raw"),
        ({"encoding": "jpeg"}, "got float32, 2, jpeg"),
        ({"sharding": {"bits": 3}}, "sharding {'bits': 3}"),
        ({"voxel_offset": [0, 0, 9]}, r"offset \[0, 0, 9\]"),
        ({"size": [4, 3, 1]}, r"has layers 0 … 0: got z=1"),
        ({"key": "s1"}, "has no data of layer 1"),
        ({"key": None}, "cannot be read: TypeError"),
        ({"size": [10**5, 10**5, 2]}, "too large: got 100000 × 100000"),
        ({"size": [4000, 4000, 2], "chunk_sizes": [[1, 1, 1]]}, r"too large: got .* in chunks of 1 × 1 × 1"),
    ],
)
def test_displacement_field__unsupported_volume(tmp_path: Path, change: dict[str, Any], sentence: str) -> None:
    """A volume of another kind, or a damaged one, is an error that names it."""
    shutil.copytree(Path(__file__).parent / "field", tmp_path / "field")
    info = json.loads((tmp_path / "field/info").read_text())
    scale = info["scales"][0]
    info, scale = ({name: change.get(name, value) for name, value in old.items()} for old in (info, scale))
    info["scales"] = [{**scale, **{name: value for name, value in change.items() if name not in info}}]
    (tmp_path / "field/info").write_text(json.dumps(info))

    with pytest.raises(TransformError, match=f"displacement field '.*{tmp_path.name}/field' .*{sentence}"):
        DisplacementFieldTransform(str(tmp_path / "field"), 1).apply([0, 0])


@pytest.mark.parametrize(
    ("uri", "sentence"),
    [("gs://bucket/f", "'gs://bucket/f' is remote"), ("precomputed:///none", "cannot be read: FileNotFoundError")],
)
def test_displacement_field__no_volume(uri: str, sentence: str) -> None:
    """A remote or missing volume is an error that names it."""
    with pytest.raises(TransformError, match=sentence):
        DisplacementFieldTransform(uri, 0).apply([0, 0])


def test_displacement_field__of_no_file(tmp_path: Path) -> None:
    """A file that no process writes to is refused without waiting for a writer."""
    os.mkfifo(tmp_path / "info")

    with pytest.raises(TransformError, match="not a regular file"):
        DisplacementFieldTransform(str(tmp_path), 0).apply([0, 0])


@pytest.mark.parametrize("word", ["x", "1_000", "inf", "nan", "1,5", "--1", "0x10", "1e", "Nan"])
def test_from_spec__not_a_number(word: str) -> None:
    """The error for a word that Java cannot parse starts with Java's message."""
    with pytest.raises(TransformError) as caught:
        AffineModel2D.from_data_string(f"1 0 0 1 5 {word}")
    assert str(caught.value) == (
        f'For input string: "{word}"; word 6 of the dataString of {MPICBG}AffineModel2D is not a number'
    )


@pytest.mark.parametrize("word", ["9" * 5000, "-" + "9" * 5000, "2147483648", "-2147483649"])
def test_from_spec__count_beyond_integers(word: str) -> None:
    """A count of more than 32 bits is refused with Java's message, however many digits it has."""
    for name, text in {
        "NonLinearCoordinateTransform": f"{word} 6",
        "ThinPlateSplineTransform": f"ThinPlateSplineR2LogR 2 {word} null AAAA",
        "AffineWarpFieldTransform": f"0 0 9 9 {word} 1 RENDER_BILINEAR base64 AAAA",
    }.items():
        with pytest.raises(TransformError, match=rf'^For input string: "{word[:9]}.*; .*{name} must have 32 bits$'):
            next(one for java, one in CLASSES.items() if java.endswith(f".{name}")).from_data_string(text)


@pytest.mark.parametrize("count", [1, 20, 2**23, 2**28])
@pytest.mark.parametrize("name", ["ThinPlateSplineTransform", "AffineWarpFieldTransform"])
def test_from_spec__block_that_grows(name: str, count: int) -> None:
    """A packed block that inflates beyond its count, or a count of more than 64 MiB, is refused in little memory."""
    word = base64.b64encode(zlib.compress(bytes(2**26 + 2**20))).decode()
    text = {
        "ThinPlateSplineTransform": f"ThinPlateSplineR2LogR 2 {count} null {word}",
        "AffineWarpFieldTransform": f"0 0 9 9 {count} 1 RENDER_BILINEAR base64 {word}",
    }[name]
    spec = {
        "type": "leaf",
        "className": next(java for java in CLASSES if java.endswith(f".{name}")),
        "dataString": text,
    }
    tracemalloc.start()

    with pytest.raises(TransformError, match=r"^Inappropriate parameters for .*(got more|doubles at most)"):
        from_spec(spec)

    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 2 * 2**20


def test_from_spec__truncated_block() -> None:
    """A packed block that ends early is refused."""
    word = base64.b64encode(zlib.compress(np.arange(80.0).astype(">f8").tobytes())[:-30]).decode()

    with pytest.raises(TransformError, match="is not a packed block"):
        ThinPlateSplineTransform.from_data_string(f"ThinPlateSplineR2LogR 2 20 null {word}")


def test_from_spec__not_a_count() -> None:
    """The error for an invalid count starts with Java's message."""
    with pytest.raises(TransformError, match=r'^For input string: "2.0"; dimension of .* must be a whole number'):
        NonLinearCoordinateTransform.from_data_string("2.0 6")


@pytest.mark.parametrize(("word", "value"), [("1d", 1), ("1E-5", 1e-5), ("+.5", 0.5), ("5.", 5), ("1.0E10F", 1e10)])
def test_from_spec__java_spelling(word: str, value: float) -> None:
    """Java's number formats are parsed, separated by any whitespace."""
    assert AffineModel2D.from_data_string(f"1 0\t0  1 5\n{word} ").matrix[1, 2] == value


def test_from_spec__whitespace_at_the_start() -> None:
    """Whitespace at the start is refused, like in the service: Java reads an empty number before it."""
    with pytest.raises(TransformError, match=r"Inappropriate parameters for .*AffineModel2D; 6 numbers expected"):
        AffineModel2D.from_data_string(" 1 0 0 1 5 6")
    with pytest.raises(TransformError, match=r"^empty String; word 1 of the dataString of .*PolynomialTransform2D"):
        PolynomialTransform2D.from_data_string(" 1 0 0 0 1")


def test_not_finite__read_but_not_written() -> None:
    """NaN is parsed and its text preserved, like in the service; formatting and inverting it raise."""
    spec = {"type": "leaf", "className": MPICBG + "AffineModel2D", "dataString": "NaN 0 0 1 Infinity 0"}
    read = from_spec(spec)
    assert read.to_spec() == spec
    with pytest.raises(NotInvertibleError, match="AffineModel2D is not invertible: the determinant is nan"):
        read.inverse()
    with pytest.raises(TransformError, match=r"parameter 1 of .*AffineModel2D must be finite to be written: got nan"):
        AffineModel2D([[np.nan, 0.0, 0.0], [0.0, 1.0, 0.0]]).to_spec()
    with pytest.raises(TransformError, match=r"parameter 2 of .*ThinPlateSplineTransform must be finite .*: got inf"):
        ThinPlateSplineTransform([[0, np.inf]], [[0, 0]]).to_spec()


WRONG: list[tuple[Callable[..., Transform], tuple[Any, ...], str]] = [
    (AffineModel2D, ([[1, 0], [0, 1]],), r"matrix of AffineModel2D must have shape \(2, 3\): got \(2, 2\)"),
    (
        AffineModel2D,
        ([[1, 0, 0], [0, "x", 0]],),
        r"matrix of AffineModel2D must be numeric, of shape \(2, 3\): got \[",
    ),
    (HomographyModel2D, (np.eye(2),), r"matrix of HomographyModel2D must have shape \(3, 3\)"),
    (PolynomialTransform2D, ([[1, 2], [3, 4]],), "1, 3, 6, 10, 15, 21, … coefficients per coordinate: got 2"),
    (PolynomialTransform2D, ([1, 2, 3],), r"coefficients of PolynomialTransform2D must have .*\(2, N\): got \(3,\)"),
    (NonLinearCoordinateTransform, ([[1, 2]] * 6, [0] * 6, [1] * 5, 9, 9), "got 6, 6 and 5"),
    (NonLinearCoordinateTransform, ([[1, 2]] * 3, [0] * 3, [1, 0, 0], 9, 9), "must not be zero: got 0 at 2"),
    (ThinPlateSplineTransform, ([[1, 2]], [[1, 2]] * 2), "got 2 weights for 1 landmarks"),
    (
        ThinPlateSplineTransform,
        ([[1, 2]], [[1, 2]], np.eye(2)),
        r"affine of ThinPlateSplineTransform must have shape \(2, 3\)",
    ),
    (MovingLeastSquaresTransform, ("affine", 1, [[1, 2]], [[1, 2]] * 2), "at least one: got 1, 2 and 1"),
    (MovingLeastSquaresTransform, ("cubic", 1, [[1, 2]], [[1, 2]]), "must be one of translation, .*: got 'cubic'"),
    (AffineWarpFieldTransform, ([0, 0], [9, 9], np.zeros((5, 1, 1))), r"values of .* must have shape \(6, N, N\)"),
    (AffineWarpFieldTransform, ([0, 0], [9, 0], np.zeros((6, 1, 1))), "size above zero"),
    (AffineWarpFieldTransform, ([0, 0], [9, 9], np.zeros((6, 1, 1)), "cubic"), "interpolator of .*: got 'cubic'"),
    (ExponentialFunctionOffsetTransform, (1, 2, 3, 2), "dimension of an offset must be 0 .* or 1 .*: got 2"),
    (TransformList, (["affine"],), "items of a TransformList must be transforms: got 'affine'"),
]


@pytest.mark.parametrize(("make", "arguments", "message"), WRONG)
def test_constructor__wrong_parameters(make: Any, arguments: tuple[Any, ...], message: str) -> None:
    """Errors for invalid parameters name class and field."""
    with pytest.raises(TransformError, match=message):
        make(*arguments)


@pytest.mark.parametrize("points", [[1, 2, 3], 5, [[1], [2]], np.zeros((2, 3))])
@pytest.mark.parametrize("name", EXAMPLES)
def test_apply__wrong_shape(name: str, points: Any) -> None:
    """Points without x and y in the last axis are rejected, by inverses too."""
    for transform in (EXAMPLES[name], EXAMPLES[name].inverse()):
        with pytest.raises(TransformError, match=r"points must have shape \(…, 2\)"):
            transform.apply(points)


SPECS: list[tuple[Any, str]] = [
    ("affine", "a transform must be an object with type or className: got 'affine'"),
    ({"type": "leaf"}, "no className defined for leaf transform spec with id 'null'"),
    ({"id": "lens"}, "no className defined for leaf transform spec with id 'lens'"),
    (
        {"className": MPICBG + "AffineModel2D"},
        "no dataString defined for leaf transform spec with id 'null'",
    ),
    ({"type": "list"}, "specList of a transform list must be a list: got None"),
    ({"type": "list", "specList": [3]}, "must be an object with type or className: got 3"),
    ({"type": "ref"}, "refId is missing in a transform of type ref"),
    ({"type": "interpolated", "a": {}, "b": {}}, "no className"),
    ({"type": "ref", "refId": "a", "metaData": 5}, "metaData of a transform must be an object: got 5"),
    ({"type": "ref", "refId": "a", "metaData": {"labels": "lens"}}, "must be a list of words: got 'lens'"),
]


@pytest.mark.parametrize(("spec", "message"), SPECS)
def test_from_spec__wrong_members(spec: Any, message: str) -> None:
    """Errors name missing and invalid members."""
    with pytest.raises(TransformError) as caught:
        from_spec(spec)
    assert message in str(caught.value)


def test_from_spec__wrong_lambda() -> None:
    """A lambda that is not a number is rejected."""
    side = AffineModel2D().to_spec()
    with pytest.raises(TransformError, match=r"lambda of an interpolated transform must be a number: got 'half'"):
        from_spec({"type": "interpolated", "a": side, "b": side, "lambda": "half"})


def test_from_spec__of_another_class() -> None:
    """A class reads only its own specifications; the base class reads all."""
    spec = AffineModel2D().to_spec()
    assert Transform.from_spec(spec) == AffineModel2D.from_spec(spec) == AffineModel2D()
    with pytest.raises(TransformError, match="must be of class TranslationModel2D: got AffineModel2D"):
        TranslationModel2D.from_spec(spec)


@pytest.mark.parametrize(
    "transform",
    [AffineModel2D([[1, 2, 0], [2, 4, 0]]), SimilarityModel2D(0, 0, 1, 2), HomographyModel2D(np.ones((3, 3)))],
)
def test_inverse__singular(transform: Transform) -> None:
    """A singular matrix has no inverse; the error names the class, and points still map forward."""
    assert transform.apply([1, 1]).shape == (2,)
    with pytest.raises(NotInvertibleError, match=f"{type(transform).__name__} is not invertible"):
        transform.inverse()


def test_inverse__no_such_point() -> None:
    """The error names the first point without a solution and the number of such points."""
    bowl = PolynomialTransform2D([[0, 0, 0, 1, 0, 1], [0, 0, 1, 0, 0, 0]])
    with pytest.raises(NotInvertibleError, match=r"PolynomialTransform2D is not invertible at \(-5\.0, 1\.0\).*1 of 2"):
        bowl.inverse().apply([[25, 3], [-5, 1]])
    with pytest.raises(NotInvertibleError, match=r"at \(nan, 1\.0\)"):
        bowl.inverse().apply([np.nan, 1])


def test_inverse__starts_at_the_point_too() -> None:
    """A point that the iteration from the affine start does not reach is solved from the point itself."""
    # x' = −10 + x − x³/3: from the affine start, 0.8, the iteration is trapped at the local maximum at x = 1.
    fold = PolynomialTransform2D(np.array([[-10, 1, 0, 0, 0, 0, -1 / 3, 0, 0, 0], [0, 0, 1, 0, 0, 0, 0, 0, 0, 0]]))
    assert fold.domain is None

    found = fold.inverse().apply([-9.2, 1])

    np.testing.assert_allclose(fold.apply(found), [-9.2, 1], rtol=0, atol=1e-9)
    assert found[0] < -2


def test_inverse__is_not_written() -> None:
    """The service has no class for a numerical inverse."""
    curved = EXAMPLES["polynomial"]
    with pytest.raises(ConversionError, match="the inverse of PolynomialTransform2D has no class"):
        curved.inverse().to_spec()
    with pytest.raises(ConversionError, match="the mesh inverse of PolynomialTransform2D has no class"):
        mesh_inverse(curved, 100, 80).to_spec()


def test_homography__at_infinity() -> None:
    """The error names the point that is mapped to infinity."""
    with pytest.raises(TransformError, match=r"HomographyModel2D maps \(-1\.0, 3\.0\) to infinity"):
        HomographyModel2D([[1, 0, 0], [0, 1, 0], [1, 0, 1]]).apply([[5, 5], [-1, 3]])


@pytest.mark.parametrize(
    ("transform", "message"),
    [
        (TransformReference("lens"), "reference 'lens' is not resolved"),
        (UnknownTransform("a.b.C", "1 2"), "^transform class 'a.b.C' cannot be found; "),
    ],
)
def test_apply__refused(transform: Transform, message: str) -> None:
    """References and unknown classes cannot map points, wherever they are nested."""
    for whole in (transform, TransformList([transform]), InterpolatedTransform(transform, AffineModel2D(), 0.5)):
        for refused in (whole.apply, whole.jacobian):
            with pytest.raises(TransformError, match=message):
                refused([0, 0])
    for inverted in (transform, TransformList([transform])):
        with pytest.raises(TransformError, match=message):
            inverted.inverse()


def test_conversion__refused() -> None:
    """Conversions that are not exact are rejected."""
    with pytest.raises(ConversionError, match="has nonzero terms above order 1"):
        PolynomialTransform2D([[0.0, 1.0, 0.0, 1e-9, 0.0, 0.0], [0.0] * 6]).as_order(1)
    with pytest.raises(ConversionError, match="ThinPlateSplineTransform is not a polynomial"):
        EXAMPLES["thin-plate"].as_polynomial()
    with pytest.raises(ConversionError, match="zero scale has no factors"):
        _ = AffineModel2D([[1, 0, 0], [0, 0, 0]]).shear
    with pytest.raises(ConversionError, match="do not sum to zero"):
        ThinPlateSplineTransform([[0, 0]], [[1, 0]]).scaled(2)
    with pytest.raises(TransformError, match="above zero: got 0"):
        fit_thin_plate_spline([(0, 0), (9, 0), (0, 9)], [(0, 0), (9, 0), (0, 9)]).scaled(0)


def test_mesh_inverse__no_size() -> None:
    """A mesh needs an area, and cells that are not too small."""
    with pytest.raises(TransformError, match=r"width and height of a mesh must be above 0 .*: got 0\.0 and 80\.0"):
        mesh_inverse(AffineModel2D(), 0, 80)
    with pytest.raises(TransformError, match=r"mesh too fine: got cells of 0\.001 pixels for a tile of 100 × 80"):
        mesh_inverse(AffineModel2D(), 100, 80, 0.001)


def test_labels__one_word() -> None:
    """A single word is not a valid sequence of labels."""
    with pytest.raises(TransformError, match="labels must be a sequence of words: got 'lens'"):
        AffineModel2D(labels="lens")


def test_matmul__something_else() -> None:
    """Only transforms are composed."""
    with pytest.raises(TypeError, match="AffineModel2D"):
        AffineModel2D() @ np.eye(2)  # type: ignore[operator]


def test_classes__aliases() -> None:
    """Every Java name of the table maps to the class of its simple name, a former name to the current class."""
    aliases = {name for name, leaf in CLASSES.items() if name != leaf.JAVA_NAME}
    assert aliases == {"lenscorrection.NonLinearTransform", MPICBG + "nonLinearTransform"}
    assert all(name.endswith("." + leaf.__name__) for name, leaf in CLASSES.items() if name not in aliases)
    assert {RigidModel2D, SEMDistortionTransformA} <= set(CLASSES.values())
