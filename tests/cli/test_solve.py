"""``rendergateway solve``: options, result and messages."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pytest

from rendergateway import Gateway, StackWrapper
from rendergateway.testing import make_stack
from tests.cli.conftest import Run

STACK = "lab/cortex/rough"


@pytest.fixture
def rough(run: Run) -> Iterator[StackWrapper]:
    """A stack of two sections of moved tiles, with the true matches, in the database of the command."""
    random = np.random.default_rng(3)
    with Gateway("embedded:./render.db", owner="lab", project="cortex") as gateway:
        true = make_stack(gateway, "true", sections=2, rows=2, columns=3, matches="truth")
        yield true.copy_to(
            "rough",
            edit=lambda table: table.evolve(
                last_affine=table.last_affine + random.normal(0, [[0.003, 0.003, 8]], (len(table), 2, 3))
            ),
        )


def test_solve__sentence(run: Run, rough: StackWrapper) -> None:
    """The new stack, its size and the residuals before and after."""
    result = run("solve", STACK, "truth", "--frame", "raw", "--to", "lab/cortex/new")

    assert result.exit_code == 0, result.stderr
    assert result.stderr.startswith("Solving lab/cortex/rough of embedded:")
    assert result.stdout.startswith("lab/cortex/new: montage affine, 12 tiles, 14 pairs, ")
    assert " px, rms " in result.stdout


def test_solve__options(run: Run, rough: StackWrapper) -> None:
    """Options reach the solve; the result has numbers for programs."""
    options = ["--3d", "--model", "rigid", "--z", "1..2", "--fixed-section", "1", "--append", "--outliers-px", "90"]
    result = run("solve", STACK, "lab/truth", "--frame", "raw", "--to", "lab/cortex/new", *options, "--json")

    values = json.loads(result.stdout)
    assert (values["stack"], values["model"], values["tile_count"]) == ("lab/cortex/new", "rigid", 12)
    assert values["after"]["pair_count"] == 20
    assert values["after"]["mean_px"] < values["before"]["mean_px"]
    assert (values["sections"][0]["z"], values["sections"][0]["last_z"]) == (1, 2)
    new = rough._conn.stack("new")
    assert {len(tile.transforms) for tile in new.tiles()} == {3}
    kept, moved = ({str(tile.transforms[-1]) for tile in new.section(z).tiles()} for z in (1, 2))
    assert (len(kept), len(moved)) == (1, 6)


def test_solve__several_collections(run: Run, rough: StackWrapper) -> None:
    """Matches of several collections are merged."""
    truth = rough._conn.match_collection("truth")
    rough._conn.match_collection("rest").put(truth.table(within="2.0"))
    truth.delete_pairs(within="2.0")

    result = run("solve", STACK, "truth", "rest", "--frame", "raw", "--to", "lab/cortex/new")

    assert "12 tiles, 14 pairs" in result.stdout


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--z", "9"], "rendergateway: stack lab/cortex/rough has no sections at z"),
        (["--npts-min", "600", "--npts-max", "900"], "with fewer than --npts-min 600 points"),
        (["--npts-min", "600"], "--npts-max 500 is below --npts-min 600"),
        (["--3d", "--processes", "2"], "--processes and --dask are for the sections of a montage"),
        (["--default-lambda", "0"], "a larger --default-lambda takes the missing parameters from the template"),
        (["--fixed", "ghost"], "fixed names tile 'ghost', which is not among the tiles to be solved"),
        (["--template", "lab/cortex/none"], "does not exist"),
    ],
)
def test_solve__refused(run: Run, rough: StackWrapper, words: list[str], sentence: str) -> None:
    """A refusal is a sentence in the words of the command, and nothing is written."""
    result = run("solve", STACK, "truth", "--frame", "raw", "--to", "lab/cortex/new", *words)

    assert result.exit_code in (1, 2)
    assert sentence in result.stderr
    assert not rough._conn.stack("new").exists
