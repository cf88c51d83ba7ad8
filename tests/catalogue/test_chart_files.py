"""Charts as files, and charts of many points."""

from __future__ import annotations

import csv
from xml.etree import ElementTree

import pytest

from rendergateway import StackWrapper
from rendergateway.catalogue.charts import MOST_POINTS, chart_of
from tests.catalogue.conftest import MONTAGE, Catalogue

SVG = "{http://www.w3.org/2000/svg}"


def test_chart__as_svg(catalogue: Catalogue, montage: StackWrapper) -> None:
    """A chart is a picture of its own, with its title, its legend and its dots in colours."""
    answer = catalogue.get(f"{MONTAGE}charts/bounds-in-x.svg")

    picture = ElementTree.fromstring(answer.text)
    words = [text.text for text in picture.iter(f"{SVG}text")]
    dots = [path for path in picture.iter(f"{SVG}path") if path.get("data-series")]
    assert answer.content_type == "image/svg+xml; charset=utf-8"
    assert {"Bounds in x (px)", "Min x", "Max x", "z"} <= set(words)
    assert [(path.get("data-series"), (path.get("d") or "").count("M")) for path in dots] == [
        ("Min x", 3),
        ("Max x", 3),
    ]
    assert len({path.get("stroke") for path in dots}) == 2


def test_chart__as_csv(catalogue: Catalogue, montage: StackWrapper) -> None:
    """The table of a chart has a row per point."""
    text = catalogue.text(f"{MONTAGE}charts/tiles-per-section.csv")

    assert list(csv.reader(text.splitlines())) == [
        ["Series", "z", "Tiles per section (tiles)"],
        ["Original", "1.0", "4.0"],
        ["Original", "2.0", "4.0"],
        ["Original", "3.0", "4.0"],
    ]


@pytest.mark.parametrize("kind", ["svg", "csv"])
def test_chart__of_residuals(catalogue: Catalogue, montage: StackWrapper, kind: str) -> None:
    """The chart of a page of residuals is a file, too."""
    text = catalogue.text(f"{MONTAGE}residuals/mean-residual.{kind}?collection=truth")

    assert "Within the section" in text
    assert catalogue.get(f"{MONTAGE}residuals/mean-residual.{kind}").status_code == 400


def test_chart__that_is_none(catalogue: Catalogue, montage: StackWrapper) -> None:
    """The refusal lists the charts that there are; a stack without data of its sections has none."""
    assert "there are tiles-per-section, section-order, bounds-in-x" in catalogue.get(f"{MONTAGE}charts/sizes.csv").text
    montage.reopen()
    with catalogue.gateway.counting() as requests:
        answer = catalogue.get(f"{MONTAGE}charts/bounds-in-x.csv")

    assert answer.status_code == 404
    assert "no chart bounds-in-x; there are none" in answer.text
    assert "section.bounds" not in requests


def test_chart__of_many_points() -> None:
    """A sample of many points has all series and the range of all; on request all are drawn."""
    points = {"low": [(z, 1.0) for z in range(MOST_POINTS)], "high": [(z, z + 0.5) for z in range(MOST_POINTS + 1)]}

    sample, whole = chart_of("Bounds", "px", points), chart_of("Bounds", "px", points, None)

    assert sample is not None
    assert whole is not None
    assert (sample.drawn, sample.total) == (2 * MOST_POINTS // 3 + 1, 2 * MOST_POINTS + 1)
    assert sum(one.path.count("M") for one in sample.series) == sample.drawn
    assert [one.count for one in sample.series] == [MOST_POINTS, MOST_POINTS + 1]
    assert (whole.drawn, whole.total) == (2 * MOST_POINTS + 1,) * 2
    assert sample.domain == whole.domain
