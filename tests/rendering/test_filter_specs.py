"""Filters from their class names and parameters, and named lists of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rendergateway import ConfigurationError, FilterError
from rendergateway.rendering import FilterStep
from rendergateway.rendering.filters.filter import FilterContext
from rendergateway.rendering.filters.lists import FILTER_LISTS, read_filter_lists
from rendergateway.rendering.filters.local_contrast import NormalizeLocalContrast
from rendergateway.rendering.filters.registry import applied, built

PACKAGE = "org.janelia.alignment"
BLOCKS = {"blockRadiusX": "5", "blockRadiusY": "3", "meanFactor": "2", "center": "TRUE", "stretch": "yes"}


def step(name: str, parameters: dict[str, str] | None = None, package: str = f"{PACKAGE}.filter") -> FilterStep:
    return FilterStep(f"{package}.{name}", parameters)


@pytest.mark.parametrize(
    ("one", "message"),
    [
        (FilterStep(None), "no className defined for filter spec"),
        (FilterStep("CLAHE", {}), "filter class 'CLAHE' cannot be found"),
        (FilterStep(""), "filter class '' cannot be found"),
        (
            FilterStep("java.lang.String", {}),
            f"class 'java.lang.String' does not implement the 'interface {PACKAGE}.filter.Filter' interface",
        ),
        (step("Filter", {}), f"failed to create instance of filter class '{PACKAGE}.filter.Filter'"),
        (step("Rank"), "missing parameters: got none for filter Rank; add the member parameters"),
        (step("CompositeFilter"), "missing parameters: got none for filter CompositeFilter; add the member parameters"),
        (step("Rank", {"radius": "2"}), "'filterType' is not defined"),
        (step("Rank", {"Radius": "2", "filterType": "4"}), "'radius' is not defined"),
        (step("Rank", {"radius": "x", "filterType": "y"}), "failed to parse 'radius' parameter"),
        (step("Rank", {"radius": "1", "filterType": "1.5"}), "failed to parse 'filterType' parameter"),
        (step("Rank", {"radius": "1", "filterType": " 3"}), "failed to parse 'filterType' parameter"),
        (
            step("Rank", {"radius": "1", "filterType": "5"}),
            "'filterType' parameter must be between 0 and 4 (inclusive)",
        ),
        (
            step("ShadingCorrectionFilter", {"correctionMethod": "CUBIC", "coefficients": "1"}),
            "Unknown shading correction method: CUBIC",
        ),
        (
            step("ShadingCorrectionFilter", {"correctionMethod": "quadratic", "coefficients": "1,2"}),
            "too few coefficients of ShadingCorrectionFilter: got 2; QUADRATIC has 6",
        ),
        (
            step("ShadingCorrectionFilter", {"correctionMethod": "quadratic", "coefficients": "1,x"}),
            "failed to parse 'coefficients' parameter",
        ),
        (
            step("BackgroundCorrectionFilter", {"radius": "1", "downSamplingFactor": "1", "smoothMethod": "MODE"}),
            "Unknown smooth method: MODE",
        ),
        (
            step("LinearIntensityMap8BitFilter", {"dataString": "2,x,2"}),
            "dataString must have pattern "
            "<numberOfRegionRows>,<numberOfRegionColumns>,<coefficientsPerRegion>,[coefficient]...",
        ),
        (
            step("LinearIntensityMap8BitFilter", {"dataString": "1,2,2,1,0"}),
            "dataString contains 2 coefficient values instead of 4",
        ),
        (
            step("QuadraticIntensityMap8BitFilter", {"dataString": "1,1,2,1,0"}),
            "QuadraticIntensityMap8BitFilter has 3 coefficients per region: got 2",
        ),
        (
            step("SmoothMaskStreakCorrector", {"dataString": "61,105,6,4"}, f"{PACKAGE}.destreak"),
            "dataString must have pattern <fftWidth>,<fftHeight>,<innerCutoff>,<bandWidth>,<angle>",
        ),
        (
            step("ConfigurableMaskStreakCorrector", {"dataString": "0,105,0,0"}, f"{PACKAGE}.destreak"),
            "dataString must have pattern <fftWidth>,<fftHeight>,…",
        ),
        (step("CompositeFilter", {"filter0": "{"}), "invalid JSON in CompositeFilter: got '{'; write a filter spec"),
        (step("CompositeFilter", {"filter0": '{"className": "x"}'}), "filter class 'x' cannot be found"),
    ],
)
def test_filter__refused(one: FilterStep, message: str) -> None:
    """An unknown class, and a missing or invalid parameter, are refused with the service's sentence."""
    with pytest.raises(FilterError) as refused:
        built(one)

    assert str(refused.value) == message


def test_parameters__texts_of_java() -> None:
    """Numbers and switches are read like Java's; unknown parameters are ignored."""
    block = built(step("NormalizeLocalContrast", {**BLOCKS, "meanFactor": " 2.5f ", "unknown": "1"}))

    assert block == NormalizeLocalContrast(5, 3, 2.5, center=True, stretch=False)
    assert built(step("Invert")) == built(step("Invert", {"a": "b"}))


GREY = np.arange(120 * 90).reshape(90, 120).astype(np.uint8)
COLOURS = np.repeat(GREY[..., np.newaxis], 3, axis=2)
DEEP = GREY.astype(np.uint16)
STREAKS = {"dataString": "76,126,0,1,0,50,53,4"}


@pytest.mark.parametrize(
    ("one", "pixels", "scale", "message"),
    [
        (
            step("CLAHE", {"fast": "true", "blockRadius": "90", "bins": "1", "slope": "1"}), GREY, 1,
            "block radius of CLAHE too large: got 90 for an image of 120 × 90 pixels; use a smaller one, or fast=false",
        ),
        (
            step("CLAHE", {"fast": "false", "blockRadius": "-1", "bins": "1", "slope": "1"}), GREY, 1,
            "invalid parameter of CLAHE: got blockRadius -1 and bins 1; use 0 or more, and at most 4096 bins",
        ),
        (
            step("CLAHE", {"fast": "false", "blockRadius": "1", "bins": "2147483647", "slope": "1"}), GREY, 1,
            "invalid parameter of CLAHE: got blockRadius 1 and bins 2147483647; use 0 or more, and at most 4096 bins",
        ),
        (
            step("NormalizeLocalContrast", {**BLOCKS, "blockRadiusY": "-5"}), GREY, 1,
            "negative block radius of NormalizeLocalContrast: got (5, -5); use 0 or more",
        ),
        (
            step("Rank", {"radius": "1e9", "filterType": "4"}), GREY, 1,
            "radius of Rank too large: got 1e+09 pixels; use at most 100",
        ),
        (
            step("RollingBallSubtraction", {"radius": "1e9"}), GREY, 1,
            "radius of RollingBallSubtraction too large: got 1000000000; use at most 2000",
        ),
        (
            step("RollingBallSubtraction", {"radius": "200"}), GREY[:, :8], 1,
            "image too narrow for RollingBallSubtraction: got 8 pixels for radius 200; use a smaller radius",
        ),
        (
            step("BackgroundCorrectionFilter", {"radius": "9", "downSamplingFactor": "0.01", "smoothMethod": "median"}),
            GREY, 1,
            "background of BackgroundCorrectionFilter too small or too large: got 1 × 0 pixels with radius 0.09; "
            "change radius and downSamplingFactor",
        ),
        (
            step("BackgroundCorrectionFilter", {"radius": "1", "downSamplingFactor": "1e6", "smoothMethod": "median"}),
            GREY, 1,
            "background of BackgroundCorrectionFilter too small or too large: got 120000000 × 90000000 pixels with "
            "radius 1e+06; change radius and downSamplingFactor",
        ),
        (
            step("BackgroundCorrectionFilter", {"radius": "1", "downSamplingFactor": "2", "smoothMethod": "median"}),
            GREY[:1], 1,
            "background of BackgroundCorrectionFilter too small or too large: got 240 × 2 pixels with radius 2; "
            "change radius and downSamplingFactor",
        ),
        (
            step("LinearIntensityMap8BitFilter", {"dataString": f"1,200,2{',1,0' * 200}"}), GREY, 1,
            "image too small for 1 × 200 regions: got 120 × 90 pixels; use fewer regions",
        ),
        (
            step("AffineIntensityFilter", {"a": "1", "b": "2"}), COLOURS, 1,
            "AffineIntensityFilter needs a grey image: got colours; use another filter",
        ),
        (
            step("ConfigurableMaskStreakCorrector", STREAKS, f"{PACKAGE}.destreak"), GREY, 0.5,
            "this filter only supports full scale images",
        ),
        (
            step("ConfigurableMaskStreakCorrector", STREAKS, f"{PACKAGE}.destreak"), DEEP, 1,
            "ConfigurableMaskStreakCorrector needs an 8-bit image: got uint16; use another filter",
        ),
        (
            step("ConfigurableMaskStreakCorrector", STREAKS, f"{PACKAGE}.destreak"), GREY, 1,
            "mask is hard-coded for an FFT size of 76 x 126 but requested FFT size is 81 x 120",
        ),
        (
            step("SmoothMaskStreakCorrector", {"dataString": "81,120,0,4,0"}, f"{PACKAGE}.destreak"), GREY, 1,
            "innerCutoff of a streak corrector must be above 0 and at most 10000: got 0",
        ),
    ],
)  # fmt: skip
def test_filter__that_cannot_be_applied(one: FilterStep, pixels: Any, scale: float, message: str) -> None:
    """A filter that does not fit the image is refused with the reason, in little memory."""
    with pytest.raises(FilterError) as refused:
        applied(pixels, [built(one)], FilterContext(scale))

    assert str(refused.value) == message


def test_composite__of_composites() -> None:
    """Filters of a filter are applied in order; numbers in their JSON count as text."""
    one = {"className": f"{PACKAGE}.filter.AffineIntensityFilter", "parameters": {"a": 1, "b": 5}}
    two = {"className": f"{PACKAGE}.filter.CompositeFilter", "parameters": {"filter0": json.dumps(one)}}
    inverted = {"className": f"{PACKAGE}.filter.Invert"}
    parameters = {"filter0": json.dumps(two), "filter1": json.dumps(inverted), "note": "ignored"}

    found = applied(np.array([[1, 2]], np.uint8), [built(step("CompositeFilter", parameters))], FilterContext())

    assert found.tolist() == [[249, 248]]
    assert applied(GREY, [built(step("CompositeFilter", {}))], FilterContext()) is GREY


# -- lists -----------------------------------------------------------------------------------------------------------


def written(folder: Path, text: str) -> Path:
    path = folder / "lists.json"
    path.write_text(text)
    return path


def test_lists__of_a_file(tmp_path: Path) -> None:
    """A file of named lists is read; those of a default deployment can be built as well."""
    one = {"className": f"{PACKAGE}.filter.Rank", "parameters": {"radius": 2, "filterType": "4"}}
    path = written(tmp_path, json.dumps({"namedFilterSpecLists": {"median": [one], "none": []}}))

    lists = read_filter_lists(path)

    assert lists == {"median": (step("Rank", {"radius": "2", "filterType": "4"}),), "none": ()}
    assert [built(one) for steps in FILTER_LISTS.values() for one in steps]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{}", "no filter lists in .*; add the member namedFilterSpecLists"),
        ("", "no filter lists in"),
        ("[1", "invalid filter lists in .*correct the file"),
        ('{"namedFilterSpecLists": {"a": {}}}', r"invalid filter lists in .*namedFilterSpecLists\.a"),
        (
            '{"namedFilterSpecLists": {"a": [{"className": "Rank"}]}}',
            "invalid filter in .*: filter 0 of list 'a': filter class 'Rank' cannot be found; correct the file",
        ),
        ('{"namedFilterSpecLists": {"a": [null]}}', "filter 0 of list 'a': no className defined for filter spec"),
    ],
)
def test_lists__bad_file(tmp_path: Path, text: str, problem: str) -> None:
    """A bad file is refused with path, list and reason."""
    with pytest.raises(ConfigurationError, match=problem):
        read_filter_lists(written(tmp_path, text))


def test_lists__missing_file(tmp_path: Path) -> None:
    """A missing file is refused."""
    with pytest.raises(ConfigurationError, match=r"filter lists cannot be read: got .*No such file"):
        read_filter_lists(tmp_path / "none.json")
