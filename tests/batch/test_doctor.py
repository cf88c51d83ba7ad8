"""Diagnosis of services and stacks."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest

from rendergateway import Gateway, NotFoundError, TileRecord
from rendergateway.batch.doctor import Finding, diagnose_service, diagnose_stack
from rendergateway.testing import make_stack
from rendergateway.transforms import AffineModel2D, PolynomialTransform2D


def found(findings: list[Finding], check: str) -> Finding:
    (one,) = (finding for finding in findings if finding.check == check)
    return one


def levels(findings: list[Finding]) -> dict[str, str]:
    return {finding.check: finding.level for finding in findings}


def tile(tile_id: str, **fields: Any) -> TileRecord:
    size: dict[str, Any] = {"z": 1.0, "width": 100, "height": 50, "transforms": [AffineModel2D()]}
    return TileRecord(tile_id=tile_id, **{**size, **fields})


def put(gateway: Gateway, *tiles: TileRecord, **options: Any) -> Any:
    stack = gateway.create_stack("few")
    with stack.editing() as edit:
        edit.put(tiles, **options)
    return stack


# Services


def test_service__answers(gateway: Gateway) -> None:
    """A service that answers is reported with its version, and limits with those of this gateway."""
    make_stack(gateway)

    findings = diagnose_service(gateway)

    assert set(levels(findings).values()) == {"ok"}
    assert "answers: rendergateway, version " in found(findings, "service").text
    assert "time limits 10 s to connect" in found(findings, "limits").text


def test_service__unknown_owner(gateway: Gateway) -> None:
    """A default owner without stacks, such as a misspelt one, is noted with the known owners."""
    make_stack(gateway)

    owner = found(diagnose_service(gateway.using(owner="lba")), "database")

    assert (owner.level, owner.text) == ("note", "default owner 'lba' has no stacks; owners are lab")


def test_service__unreachable() -> None:
    """A service that does not answer is a finding, not an error."""
    with contextlib.closing(Gateway("127.0.0.1:1", retries=0)) as gateway:
        service = found(diagnose_service(gateway), "service")

    assert service.level == "problem"
    assert "127.0.0.1:1/render-ws/v1 does not answer: " in service.text


# Stacks


def test_stack__fine(gateway: Gateway, tmp_path: Path) -> None:
    """A complete stack with images and connected matches has no problem."""
    stack = make_stack(gateway, matches="truth", images=tmp_path)

    findings = diagnose_stack(stack, matches=gateway.match_collection("truth"))

    assert set(levels(findings).values()) == {"ok"}
    assert found(findings, "images").text == f"12 files in 1 folder ({tmp_path.as_uri()}), all on this machine"
    assert found(findings, "clusters").text == "all matched tiles are connected"
    assert found(diagnose_stack(stack, images="read"), "images").text == "all images and masks can be read"


def test_stack__missing_sections(gateway: Gateway) -> None:
    """Gaps in z are noted as ranges."""
    stack = make_stack(gateway, sections=[1, 2, 5, 9])

    sections = found(diagnose_stack(stack, images="none"), "sections")

    assert (sections.level, sections.text) == ("note", "5 sections missing between 1 and 9: 3…4, 6…8")
    assert sections.items == ("3", "4", "6", "7", "8")


def test_stack__images(gateway: Gateway, tmp_path: Path) -> None:
    """Missing files are listed with their folders; decoding finds damaged ones; prefixes map paths."""
    stack = make_stack(gateway, sections=1, images=tmp_path / "images")
    (tmp_path / "images").rename(tmp_path / "moved")

    images = found(diagnose_stack(stack), "images")

    assert images.level == "problem"
    assert images.text.startswith("4 of 4 files missing or unreadable: file:///")
    assert "Gateway(image_paths=…) maps paths of another machine" in images.text
    here = gateway.using()
    here.image_paths = {str(tmp_path / "images"): str(tmp_path / "moved")}
    moved = here.stack("montage")
    assert found(diagnose_stack(moved), "images").level == "ok"
    (tmp_path / "moved" / "s1_r0_c0.png").write_bytes(b"x")
    damaged = found(diagnose_stack(moved, images="read"), "images")
    assert damaged.text.startswith("1 image with problems: s1_r0_c0 level 0 (unknown image format")
    (tmp_path / "moved" / "s1_r0_c0.png").write_bytes(b"")
    assert "1 of 4 files empty" in found(diagnose_stack(moved), "images").text


def test_stack__boxes_and_numbers(gateway: Gateway) -> None:
    """Stale boxes and numbers that are not finite are found, with the tiles."""
    stale = tile("stale", min_x=0, min_y=0, max_x=10, max_y=10)
    diverged = tile("nan", transforms=[AffineModel2D()])
    text = diverged.to_json().replace(b'"1.0 0.0 0.0 1.0 0.0 0.0"', b'"NaN 0.0 0.0 1.0 0.0 0.0"')
    stack = put(gateway, stale, TileRecord.from_json(text), tile("fine"), allow_nan=True)

    findings = diagnose_stack(stack)

    numbers, boxes = found(findings, "numbers"), found(findings, "boxes")
    assert (numbers.level, numbers.items) == ("problem", ("nan",))
    assert boxes.level == "problem"
    assert any(item.startswith("stale (") for item in boxes.items)
    assert not any(item.startswith("fine") for item in boxes.items)
    assert sorted(found(findings, "layout").items) == ["fine", "nan", "stale"]


def test_stack__curved_transforms(gateway: Gateway) -> None:
    """A last transform without a matrix is not taken for one of numbers that are not finite."""
    curved = PolynomialTransform2D([[0.0, 1.0, 0.0, 0.001, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0, 0.0, 0.0]])
    stack = put(gateway, tile("curved", transforms=[curved]))

    assert found(diagnose_stack(stack, images="none"), "numbers").level == "ok"


def test_stack__without_images_or_completion(gateway: Gateway) -> None:
    """Tiles without images, and a LOADING stack, are noted."""
    stack = put(gateway, tile("a"))
    stack.set_state("LOADING")

    findings = diagnose_stack(stack, images="none")

    assert found(findings, "images").text == "1 tile without image URL: a"
    assert found(findings, "state").level == "note"


def test_stack__matches(gateway: Gateway) -> None:
    """Unmatched tiles, groups that no match connects, and collections without pairs of the stack are problems."""
    stack = make_stack(gateway, sections=2, rows=1, columns=2, matches="truth")
    matches = gateway.match_collection("truth")
    matches.delete_pairs(between=("1.0", "2.0"))

    clusters = found(diagnose_stack(stack, matches=matches, images="none"), "clusters")

    assert clusters.level == "problem"
    assert clusters.text.startswith("2 groups of tiles that no match connects, of 2, 2 tiles, with s1_r0_c0, s2_r0_c0;")
    other = make_stack(gateway, "other", sections=[1, 7], rows=1, columns=2)
    alone = found(diagnose_stack(other, matches=matches, images="none"), "unmatched tiles")
    assert alone.items == ("s7_r0_c0", "s7_r0_c1")
    missing = diagnose_stack(stack, matches=gateway.match_collection("none"), images="none")
    assert found(missing, "matches").level == "problem"


def test_stack__wrong_arguments(gateway: Gateway) -> None:
    """A missing stack and an unknown kind of check are errors."""
    with pytest.raises(NotFoundError):
        diagnose_stack(gateway.stack("none"))
    with pytest.raises(ValueError, match="images must be one of none, exist, read: got 'all'"):
        diagnose_stack(make_stack(gateway), images="all")
