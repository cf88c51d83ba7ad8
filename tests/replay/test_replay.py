"""Replay of all recordings of the real service into an empty embedded one."""

from __future__ import annotations

from pathlib import Path

import pytest

from rendergateway.service.base.options import TILE_LIMIT
from rendergateway.service.embedded import embedded_adapter
from tests.replay.cassettes import OURS, RANDOM, REAL_DATA, Scenario, excepted, replay, scenarios

DIFFERENCES = excepted(OURS / "differences.txt")
NOT_YET = set((OURS / "not-yet.txt").read_text(encoding="utf-8").split())


def _found(scenario: Scenario, images: Path) -> dict[int, str]:
    adapter = embedded_adapter(f"embedded:?tile_limit={TILE_LIMIT}")
    try:
        return replay(scenario, adapter, images)
    finally:
        adapter.close()


def _unexplained(scenario: Scenario, images: Path) -> list[str]:
    found = _found(scenario, images)
    return [f"[{n}] {text}" for n, text in found.items() if (scenario.name, n) not in DIFFERENCES]


def _check(scenario: Scenario, images: Path) -> None:
    found = _unexplained(scenario, images)
    if scenario.name in NOT_YET:
        assert found, f"{scenario.name} passes: remove it from cassettes/not-yet.txt"
        pytest.xfail(found[0])
    assert not found, "\n".join(found)


@pytest.mark.parametrize("scenario", scenarios(OURS), ids=lambda scenario: scenario.name)
def test_recording(scenario: Scenario) -> None:
    """The embedded service returns the recorded answers, unless the scenario is listed as not passing."""
    _check(scenario, OURS / "images")


@pytest.mark.parametrize("scenario", scenarios(RANDOM), ids=lambda scenario: scenario.name)
def test_random_requests(scenario: Scenario) -> None:
    """The embedded service returns the recorded answers to short random sequences of requests."""
    _check(scenario, RANDOM / "images")


@pytest.mark.skipif(not REAL_DATA.is_dir(), reason="recordings of real data not available")
@pytest.mark.parametrize("scenario", scenarios(REAL_DATA), ids=lambda scenario: scenario.name)
def test_recording_of_real_data(scenario: Scenario, tmp_path: Path) -> None:
    """The embedded service returns the recorded answers to real data (not in the repository)."""
    # Real tiles refer to one of our images besides their own.
    for image in (*(OURS / "images").iterdir(), *(REAL_DATA / "images").iterdir()):
        (tmp_path / image.name).symlink_to(image)
    _check(scenario, tmp_path)


def test_differences__name_what_differs() -> None:
    """Each listed deliberate difference still exists."""
    listed = {name for name, _ in DIFFERENCES}
    recorded = {one.name: (one, folder / "images") for folder in (OURS, RANDOM) for one in scenarios(folder)}
    assert listed <= recorded.keys()
    for name in listed:
        found = _found(*recorded[name])
        stale = {number for other, number in DIFFERENCES if other == name} - found.keys()
        assert not stale, f"{name} {sorted(stale)} is equal: remove it from cassettes/differences.txt"
