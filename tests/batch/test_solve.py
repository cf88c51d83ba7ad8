"""Solves of stacks: written as new stacks, with frames, lenses, clusters and bad input; their residuals."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rendergateway import (
    BadRequestError,
    ConfigurationError,
    Gateway,
    MatchCollectionWrapper,
    MatchRecord,
    MatchTable,
    NotFoundError,
    SolveError,
    StackWrapper,
    StaleStackError,
    TileTable,
    TileWrapper,
    without_requests,
)
from rendergateway.batch.load import load_files
from rendergateway.testing import make_stack
from rendergateway.transforms import (
    AffineModel2D,
    PolynomialTransform2D,
    Transform,
    TransformList,
    TransformReference,
    TranslationModel2D,
    fit_thin_plate_spline,
)
from tests.cases.read import case

_THREE = [[0.0, 0.0], [500.0, 0.0], [0.0, 500.0], [400.0, 300.0]]
# A cluster in this process, which looks for no address of this machine.
_LOOPBACK: dict[str, Any] = {
    "n_workers": 1, "processes": False, "protocol": "tcp://", "host": "127.0.0.1", "dashboard_address": None,
}  # fmt: skip
EXACT: dict[str, Any] = {"default_lambda": 1e-6, "passes": 2}


@pytest.fixture
def stack(gateway: Gateway) -> StackWrapper:
    """Three sections of 3 × 3 tiles behind a lens, moved by a few pixels and a little turned and sheared."""
    true = make_stack(gateway, "true", sections=3, rows=3, columns=3, matches="truth")
    random = np.random.default_rng(5)

    def moved(table: TileTable) -> TileTable:
        jitter = random.normal(0, [[0.003, 0.003, 8]], (len(table), 2, 3))
        return table.evolve(last_affine=table.last_affine + jitter)

    return true.copy_to("rough", edit=moved)


@pytest.fixture
def matches(gateway: Gateway, stack: StackWrapper) -> MatchCollectionWrapper:
    """The true matches, in raw pixels."""
    return gateway.match_collection("truth", frame="raw")


def as_list(tile: TileWrapper) -> list[Transform]:
    transforms = tile.transforms
    assert isinstance(transforms, TransformList)
    return list(transforms)


def texts(stack: StackWrapper) -> dict[str, bytes]:
    return {tile.tile_id: bytes(tile._obj.to_json()) for tile in stack.tiles()}


# The new stack


@pytest.mark.parametrize("mode", ["montage", "3d"])
def test_solve__new_stack(stack: StackWrapper, matches: MatchCollectionWrapper, mode: str) -> None:
    """The new stack fits its matches, keeps lenses and everything else, and notes the residuals."""
    before, shared = texts(stack), stack.shared_transform("lens").value

    solved = stack.solve(matches, "solved", mode=mode, **EXACT)

    new = solved.stack
    within = [row for row in new.residuals(matches).sections if mode == "3d" or row["z"] == row["other_z"]]
    assert max(row["max_px"] for row in within) < 1e-6
    assert (new.state, new.tile_count, new.resolution_nm) == ("COMPLETE", 27, stack.resolution_nm)
    assert new.shared_transform("lens").value == shared
    assert next(iter(as_list(new.tiles()[0]))) == TransformReference("lens")
    assert new.tiles().table().with_columns({"tile_id": []}).stage.tolist() == stack.tiles().table().stage.tolist()
    assert not len(new.check_boxes())
    notes = new.version.notes or ""
    assert f"solved from lab/cortex/rough with matches truth: {mode} affine, 27 tiles" in notes
    assert f"residuals before: {solved.before}; after: {solved.after}" in notes
    assert texts(stack) == before


def test_solve__summary(stack: StackWrapper, matches: MatchCollectionWrapper) -> None:
    """One row per montage; the statistics are those of the residuals of the stack."""
    solved = stack.solve(matches, "solved", z=(2, 3))

    assert solved.stack.sections().ids == [2, 3]
    assert solved.sections.z.tolist() == solved.sections.last_z.tolist() == [2, 3]
    assert solved.sections.pair_count.tolist() == [12, 12]
    rows = [row for row in stack.residuals(matches, z=(2, 3)).sections if row["z"] == row["other_z"]]
    assert solved.sections.before_px.tolist() == pytest.approx([row["mean_px"] for row in rows])
    rows = [row for row in solved.stack.residuals(matches).sections if row["z"] == row["other_z"]]
    assert solved.sections.after_px.tolist() == pytest.approx([row["mean_px"] for row in rows], rel=1e-6)
    assert solved.after.point_count == sum(row["point_count"] for row in rows)
    assert repr(solved).startswith("<Solved solved: montage affine, 18 tiles, 24 pairs, ")


@pytest.mark.parametrize("frame", ["raw", "lens_corrected", "after:lens", "before:match"])
def test_solve__frames(gateway: Gateway, stack: StackWrapper, frame: str) -> None:
    """Points are mapped from the frame of their collection, so all frames find the same."""
    true, table = gateway.stack("true"), gateway.match_collection("truth").table()
    maps = [true.world_from_local(np.repeat(ids, table.counts).tolist(), points).xy
            for ids, points in ((table.p_id, table.p), (table.q_id, table.q))]  # fmt: skip
    p, q = (
        true.local_from_world(np.repeat(ids, table.counts).tolist(), world, frame=frame).xy
        for ids, world in zip((table.p_id, table.q_id), maps, strict=True)
    )
    gateway.match_collection("framed").put(table.evolve(p=p, q=q))

    solved = stack.solve(gateway.match_collection("framed", frame=frame), "solved", mode="3d", **EXACT)

    assert solved.after.max_px < 1e-6
    assert solved.stack.residuals(gateway.match_collection("framed", frame=frame)).total.max_px < 1e-6


@pytest.mark.parametrize(("how", "count"), [("replace_last", 2), ("append", 3)])
def test_solve__replaces_or_appends(stack: StackWrapper, matches: MatchCollectionWrapper, how: str, count: int) -> None:
    """The solved transform replaces the last one, or follows all."""
    solved = stack.solve(matches, "solved", mode="3d", how=how, **EXACT)

    assert {len(tile.transforms) for tile in solved.stack.tiles()} == {count}
    assert solved.stack.residuals(matches).total.max_px < 1e-6
    if how == "append":
        first, again = stack.tiles()[0], solved.stack.tiles()[0]
        assert list(again.transforms)[:2] == list(first.transforms)


def test_solve__polynomials(stack: StackWrapper, matches: MatchCollectionWrapper) -> None:
    """Polynomial models write polynomials, which another solve may start from."""
    solved = stack.solve(matches, "second", mode="3d", model="polynomial2", **EXACT)

    last = solved.stack.tiles()[0].transforms[-1]
    assert isinstance(last, PolynomialTransform2D)
    assert last.order == 2
    assert solved.stack.residuals(matches).total.max_px < 1e-3
    third = solved.stack.solve(matches, "third", mode="3d", model="polynomial3", default_lambda=1e-6)
    assert third.before.mean_px == pytest.approx(solved.after.mean_px, rel=1e-3)
    with pytest.raises(SolveError, match="ends with a polynomial that the model cannot replace"):
        solved.stack.solve(matches, "fourth", mode="3d")


def test_solve__template(gateway: Gateway, stack: StackWrapper, matches: MatchCollectionWrapper) -> None:
    """Regularized toward another stack, the result lies where that stack does."""
    far = stack.copy_to("far", edit=lambda table: table.evolve(last_affine=table.last_affine + np.array([[0, 0, 500]])))

    solved = stack.solve(matches, "solved", mode="3d", template=far)

    assert solved.before.mean_px == pytest.approx(stack.residuals(matches).total.mean_px)
    shift = solved.stack.tiles().table().last_affine[:, :, 2] - stack.tiles().table().last_affine[:, :, 2]
    assert shift.mean() == pytest.approx(500, abs=1)
    less = gateway.stack("true").copy_to("less", edit=lambda table: table[table.tile_id != "s2_r1_c1"])
    with pytest.raises(NotFoundError, match=r"1 tiles are not in the template lab/cortex/less: got 's2_r1_c1'"):
        stack.solve(matches, "other", mode="3d", template=less)


def test_solve__fixed(stack: StackWrapper, matches: MatchCollectionWrapper) -> None:
    """Fixed tiles and sections stay as they are, to the letter."""
    before = texts(stack)

    new = stack.solve(matches, "solved", mode="3d", fixed=stack.tile("s1_r1_c1"), fixed_sections=[2, 3]).stack

    after = texts(new)
    same = {tile_id for tile_id in before if after[tile_id] == before[tile_id]}
    assert same == {tile_id for tile_id in before if not tile_id.startswith("s1")} | {"s1_r1_c1"}
    with pytest.raises(NotFoundError, match="fixed names tile 'nobody'"):
        stack.solve(matches, "other", fixed="nobody")
    with pytest.raises(NotFoundError, match="fixed_sections names z 3"):
        stack.solve(matches, "other", z=1, fixed_sections=stack.section(3))


@pytest.mark.parametrize(
    ("unconnected", "left"),
    [("keep", []), ("drop_unmatched", ["s1_r2_c2"]), ("drop", ["s1_r0_c0", "s1_r1_c0", "s1_r2_c2"])],
)
def test_solve__unconnected_tiles(gateway: Gateway, stack: StackWrapper, unconnected: str, left: list[str]) -> None:
    """Tiles without matches and small clusters are reported, and dropped on request."""
    table = gateway.match_collection("truth").table(within="1.0")
    pair = {"s1_r0_c0", "s1_r1_c0"}
    inside = [len(pair & {p, q}) != 1 and "s1_r2_c2" not in (p, q) for p, q in zip(table.p_id, table.q_id, strict=True)]
    gateway.match_collection("parted").put(table[np.array(inside)])

    solved = stack.solve(gateway.match_collection("parted", frame="raw"), "solved", z=1, unconnected=unconnected)

    found = {row["tile_id"]: (row["cluster"], row["is_dropped"]) for row in solved.unconnected}
    assert {tile_id: cluster for tile_id, (cluster, _) in found.items()} == {
        "s1_r0_c0": 1, "s1_r1_c0": 1, "s1_r2_c2": -1,
    }  # fmt: skip
    assert sorted(tile_id for tile_id, (_, is_dropped) in found.items() if is_dropped) == left
    assert set(stack.section(1).tiles().ids) - set(solved.stack.tiles().ids) == set(left)
    assert "3 unconnected tiles" in (solved.stack.version.notes or "")
    if unconnected == "keep":
        assert texts(solved.stack)["s1_r2_c2"] == texts(stack)["s1_r2_c2"]


def test_solve__unmatched_tiles_of_a_polynomial_solve(gateway: Gateway, stack: StackWrapper) -> None:
    """Tiles without matches keep their text, whatever the model."""
    table = gateway.match_collection("truth").table(within="1.0")
    left = table[(table.p_id != "s1_r2_c2") & (table.q_id != "s1_r2_c2")]
    gateway.match_collection("parted").put(left)

    new = stack.solve(gateway.match_collection("parted", frame="raw"), "solved", z=1, model="polynomial2").stack

    assert texts(new)["s1_r2_c2"] == texts(stack)["s1_r2_c2"]
    assert isinstance(as_list(new.tile("s1_r0_c0"))[-1], PolynomialTransform2D)


def test_solve__labelled_last_transforms(gateway: Gateway, stack: StackWrapper) -> None:
    """A frame may end at the transform that is replaced, of whatever affine class."""
    shifts = stack.tiles().table().last_affine[:, :, 2]
    moved = [
        tile._obj.evolve(transforms=[*as_list(tile)[:1], TranslationModel2D(*shift, labels=["match"])])
        for tile, shift in zip(stack.tiles(), shifts, strict=True)
    ]
    with gateway.create_stack("labelled").editing() as edit:
        edit.put(moved, transforms={"lens": stack.shared_transform("lens").value})
    lens_corrected, labelled = (
        gateway.match_collection("truth", frame=frame) for frame in ("lens_corrected", "before:match")
    )

    one, other = (
        gateway.stack("labelled").solve(one, name, mode="3d")
        for one, name in ((lens_corrected, "one"), (labelled, "other"))
    )

    assert one.before.mean_px == pytest.approx(other.before.mean_px)
    assert one.after.mean_px == pytest.approx(other.after.mean_px)
    assert other.stack.residuals(labelled).total.mean_px == pytest.approx(other.after.mean_px)
    assert as_list(other.stack.tiles()[0])[-1].labels == ("match",)


def test_solve__several_section_ids(gateway: Gateway) -> None:
    """The matches between the section ids of a layer belong to its montage."""
    true = make_stack(gateway, sections=1, rows=1, columns=3, matches="truth")
    with true.editing() as edit:
        last = true.tile("s1_r0_c2")._obj
        assert last.layout is not None
        edit.put([last.evolve(layout=last.layout.evolve(section_id="1.1"))])
    table = gateway.match_collection("truth").table()
    gateway.match_collection("groups").put(
        record.evolve(q_group="1.1") if record.q_id == "s1_r0_c2" else record for record in table
    )

    solved = true.solve(gateway.match_collection("groups", frame="raw"), "solved")

    assert solved.after.pair_count == 2


def test_solve__merged_collections(gateway: Gateway, stack: StackWrapper) -> None:
    """Matches of several collections count together."""
    truth = gateway.match_collection("truth", frame="raw")
    gateway.match_collection("rest").put(truth.table(between=("1.0", "2.0")))
    truth.delete_pairs(between=("1.0", "2.0"))

    solved = stack.solve(truth.merged_with("rest"), "solved", mode="3d", **EXACT)

    assert solved.after.pair_count == 54
    assert not len(solved.unconnected)


def test_solve__processes(tmp_path: Path) -> None:
    """Sections solved by other processes are the same."""
    with Gateway(f"embedded:{tmp_path / 'render.db'}", owner="lab", project="cortex") as gateway:
        stack = make_stack(gateway, sections=3, matches="truth")
        matches = gateway.match_collection("truth", frame="raw")

        one, other = (stack.solve(matches, f"by_{count}", processes=count) for count in (None, 2))

        assert texts(one.stack) == texts(other.stack)
        assert list(one.sections) == list(other.sections)


@pytest.mark.parametrize("where", [{"processes": 2}, {"dask": "tcp://127.0.0.1:1"}])
def test_solve__volume_is_one_system(
    gateway: Gateway, stack: StackWrapper, matches: MatchCollectionWrapper, where: dict[str, Any]
) -> None:
    """What has no effect on a 3D solve is refused, before anything is read."""
    with without_requests(), pytest.raises(TypeError, match=f"{next(iter(where))}= is for the sections of a"):
        stack.solve(matches, "new", mode="3d", **where)


def test_solve__dask(tmp_path: Path) -> None:
    """Sections solved by the workers of a Dask cluster are the same."""
    distributed = pytest.importorskip("distributed")
    with (
        Gateway(f"embedded:{tmp_path / 'render.db'}", owner="lab", project="cortex") as gateway,
        distributed.LocalCluster(**_LOOPBACK) as cluster,
        distributed.Client(cluster) as client,
    ):
        stack = make_stack(gateway, sections=3, matches="truth")
        matches = gateway.match_collection("truth", frame="raw")

        one, other = stack.solve(matches, "one"), stack.solve(matches, "other", dask=client)

        address = stack.solve(matches, "address", dask=cluster.scheduler_address)

        assert texts(one.stack) == texts(other.stack) == texts(address.stack)
        with pytest.raises(TypeError, match="processes= and dask= exclude each other"):
            stack.solve(matches, "third", dask=client, processes=2)


# Bad input: a sentence, and nothing written


def refused(stack: StackWrapper, error: type[BaseException], match: str, *arguments: Any, **options: Any) -> None:
    """Check that a solve is refused, writes nothing and leaves the stack as it was."""
    before, names = texts(stack), sorted(one.name for one in stack.project.stacks().reload())
    with pytest.raises(error, match=match):
        stack.solve(*arguments, "new", **options)  # type: ignore[call-arg]
    assert sorted(one.name for one in stack.project.stacks().reload()) == names
    assert texts(stack) == before
    assert stack.state == "COMPLETE"


def pair(p: str, q: str, count: int = 20, **columns: Any) -> MatchRecord:
    points = np.random.default_rng(1).uniform(0, 500, (count, 2))
    return MatchRecord(p_group="1.0", p_id=p, q_group="1.0", q_id=q, **{"p": points, "q": points, **columns})


def test_solve__refusals(gateway: Gateway, stack: StackWrapper, matches: MatchCollectionWrapper) -> None:
    """What cannot be solved is refused before anything is written."""
    refused(stack, ConfigurationError, "frame of the points of 'truth' is not set", gateway.match_collection("truth"))
    refused(stack, TypeError, "matches must be a match collection", "truth")
    refused(stack, NotFoundError, "does not exist", gateway.match_collection("none", frame="raw"))
    refused(stack, NotFoundError, r"stack lab/cortex/rough has no sections at z 9", matches, z=9)
    refused(stack, ValueError, "mode must be 'montage' or '3d': got 'both'", matches, mode="both")
    refused(stack, ValueError, "how must be", matches, how="prepend")
    refused(stack, ValueError, "unconnected must be", matches, unconnected="lose")
    refused(stack, TypeError, "template", matches, template=stack.section(1))
    private = "a private embedded service cannot be pickled; use embedded:PATH"
    refused(stack, ConfigurationError, private, matches, processes=2)
    exists = pytest.raises(BadRequestError, match="stack lab/cortex/true exists; delete it, or use another name")
    with gateway.counting() as requests, exists:
        stack.solve(matches, "true")
    assert requests == ["stack.read"]


def test_solve__no_matches(gateway: Gateway, stack: StackWrapper) -> None:
    """Sections without usable matches are named."""
    few = gateway.match_collection("few", frame="raw")
    few.put([pair("s1_r0_c0", "s1_r0_c1", 4), pair("s1_r0_c0", "s1_r1_c0", weights=np.zeros(20))])

    where = "stack lab/cortex/rough, z 1: "
    refused(stack, SolveError, f"{where}no matches are left to solve with: got 2 pairs, 1 with fewer than", few, z=1)
    refused(stack, SolveError, "there are no matches between the tiles of stack lab/cortex/rough; check", few, z=2)
    refused(stack, SolveError, "rough, z 2 to 3: there are no matches between the tiles", few, z=(2, 3), mode="3d")


def test_solve__section_without_matches(gateway: Gateway, stack: StackWrapper, matches: MatchCollectionWrapper) -> None:
    """A section of a montage without matches is kept as it is, and reported."""
    matches.delete_pairs(within="2.0")

    solved = stack.solve(matches, "new")

    assert solved.sections.pair_count.tolist() == [12, 0, 12]
    assert solved.unconnected.tile_id.tolist() == stack.section(2).tiles().ids
    after = texts(solved.stack)
    assert [after[tile_id] for tile_id in solved.unconnected.tile_id] == [
        text for tile_id, text in texts(stack).items() if tile_id.startswith("s2")
    ]


def test_solve__one_tile(gateway: Gateway) -> None:
    """A section of one tile has no matches."""
    stack = make_stack(gateway, rows=1, columns=1, sections=1)
    matches = gateway.match_collection("m", frame="raw")
    matches.put([pair("a", "b")])

    refused(stack, NotFoundError, "1 pairs of matches name tiles that are not in the stack: got 'a' of group", matches)


def test_solve__unknown_tiles(gateway: Gateway, stack: StackWrapper, matches: MatchCollectionWrapper) -> None:
    """Matches of unknown tiles are refused, naming them, or skipped and counted."""
    matches.put([pair("s1_r0_c0", "ghost")])

    refused(stack, NotFoundError, "1 pairs .* got 'ghost' of group '1.0'; nothing was written: unknown_tiles", matches)
    solved = stack.solve(matches, "new", unknown_tiles="skip")
    assert solved.unknown_pair_count == 1
    assert "1 pair with unknown tiles" in (solved.stack.version.notes or "")
    assert stack.residuals(matches).unknown_pair_count == 1


def test_solve__tiles_of_other_sections(stack: StackWrapper, matches: MatchCollectionWrapper) -> None:
    """Matches with sections outside of the range are ignored."""
    assert stack.solve(matches, "new", mode="3d", z=(1, 2)).after.pair_count == 33
    assert stack.residuals(matches, z=(1, 2)).outside_pair_count == 9


def test_solve__diverged(gateway: Gateway, stack: StackWrapper) -> None:
    """A diverged solve writes nothing (case D4)."""
    table = gateway.match_collection("truth").table()
    q = table.q + np.random.default_rng(2).normal(0, 100, table.q.shape)
    gateway.match_collection("wild").put(table.evolve(q=q))
    wild = gateway.match_collection("wild", frame="raw")

    refused(stack, SolveError, "the solve diverged: .* tile 's1_r0_c0' by", wild, default_lambda=1e-3)


def test_solve__template_that_is_not_finite(gateway: Gateway) -> None:
    """A stack of a diverged solve cannot be solved again (case D4)."""
    stack = gateway.stack("nan")
    load_files(stack, [case("nan_affine_only_tile.json")], allow_nan=True)
    matches = gateway.match_collection("m", frame="raw")
    matches.put([pair("a", "b")])

    with pytest.raises(SolveError, match=r"the last transform of tile .* has"):
        stack.solve(matches, "new")
    assert not gateway.stack("new").exists


@pytest.mark.parametrize(
    ("transforms", "problem"),
    [
        ([], "has no transform; the solve replaces affine"),
        ([fit_thin_plate_spline(_THREE, _THREE)], "has ThinPlateSplineTransform as its last transform"),
        ([AffineModel2D(labels=["lens"])], "the frame 'after:lens' of the matches is after the last transform of tile"),
    ],
)
def test_solve__transforms_that_cannot_be_replaced(gateway: Gateway, transforms: list[Any], problem: str) -> None:
    """Missing, curved and lens transforms are not replaced; appending works."""
    made = make_stack(gateway, sections=1, matches="truth")
    if not transforms:
        bare = [tile._obj.evolve(transforms=[]) for tile in made.tiles()]
    else:
        bare = [tile._obj.evolve(transforms=transforms) for tile in made.tiles()]
    with gateway.create_stack("bare").editing() as edit:
        edit.put(bare)
    frame = "after:lens" if "after:lens" in problem else "raw"

    refused(gateway.stack("bare"), SolveError, problem, gateway.match_collection("truth", frame=frame))
    solved = gateway.stack("bare").solve(
        gateway.match_collection("truth", frame=frame), "new", how="append", scale_limits=None
    )
    assert solved.after.mean_px < solved.before.mean_px


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_solve__interrupted(stack: StackWrapper, matches: MatchCollectionWrapper, error: type[BaseException]) -> None:
    """An interrupted write leaves no stack; a note reports it."""
    before = texts(stack)

    def stop(done: int) -> None:
        if done > 3:
            raise error

    with pytest.raises(error) as caught:
        stack.solve(matches, "new", batch=9, progress=stop)

    assert not stack._sibling("new", None, None).exists
    assert caught.value.__notes__[-1] == (
        "the incomplete stack lab/cortex/new was deleted; the same solve may be repeated"
    )
    assert texts(stack) == before
    assert stack.solve(matches, "new").stack.state == "COMPLETE"


def test_solve__interrupted_before_writing(stack: StackWrapper, matches: MatchCollectionWrapper) -> None:
    """Ctrl-C while sections are solved writes nothing."""

    def stop(done: int) -> None:
        raise KeyboardInterrupt

    refused(stack, KeyboardInterrupt, "^$", matches, progress=stop)


def test_solve__stack_changed_meanwhile(gateway: Gateway, stack: StackWrapper, matches: MatchCollectionWrapper) -> None:
    """If others change the stack while it is solved, nothing is written."""

    def change(done: int) -> None:
        if done == 2:
            with gateway.stack("rough").editing(reload=True) as edit:
                edit.delete("s1_r0_c0")

    with pytest.raises(StaleStackError, match="rough was changed by others while it was solved; nothing was written"):
        stack.solve(matches, "new", progress=change)
    assert not gateway.stack("new").exists


def test_solve__progress(stack: StackWrapper, matches: MatchCollectionWrapper) -> None:
    """Progress counts sections, then tiles."""
    seen: list[int] = []

    stack.solve(matches, "new", progress=seen.append)

    assert seen[:3] == [1, 2, 3]
    assert seen[-1] == 27


# Residuals


def test_residuals__tables(gateway: Gateway, stack: StackWrapper, matches: MatchCollectionWrapper) -> None:
    """The tables agree with the residuals of each point."""
    found, table = stack.residuals(matches), matches.table()
    each = matches.residuals(stack, table)
    by_pair = {
        (p, q): each[start:end]
        for p, q, start, end in zip(table.p_id, table.q_id, table.offsets, table.offsets[1:], strict=False)
    }

    assert len(found.pairs) == len(by_pair) == 54
    for row in found.pairs:
        points = by_pair[row["p_id"], row["q_id"]]
        assert (row["point_count"], row["max_px"]) == (len(points), pytest.approx(points.max()))
        assert row["rms_px"] == pytest.approx(np.sqrt((points**2).mean()))
    one = next(row for row in found.tiles if row["tile_id"] == "s2_r1_c1")
    points = np.concatenate([points for ids, points in by_pair.items() if "s2_r1_c1" in ids])
    assert (one["pair_count"], one["mean_px"]) == (6, pytest.approx(points.mean()))
    assert [(row["z"], row["other_z"], row["pair_count"]) for row in found.sections] == [
        (1, 1, 12), (1, 2, 9), (2, 2, 12), (2, 3, 9), (3, 3, 12),
    ]  # fmt: skip
    assert [found.total.mean_px, found.total.sd_px] == pytest.approx([each.mean(), each.std()])
    assert len(found.pairs.to_pandas()) == 54


def test_residuals__without_matches(gateway: Gateway, stack: StackWrapper) -> None:
    """A section without matches has tiles with NaN."""
    matches = gateway.match_collection("m", frame="raw")
    matches.put([pair("s1_r0_c0", "s1_r0_c1")])

    found = stack.residuals(matches, z=2)

    assert (len(found.pairs), len(found.sections), len(found.tiles)) == (0, 0, 9)
    assert np.isnan(found.tiles.mean_px).all()
    assert str(found.total) == "no residuals"


def test_residuals__requests(gateway: Gateway, stack: StackWrapper, matches: MatchCollectionWrapper) -> None:
    """One request per section for its tiles, and one for its matches."""
    with gateway.counting() as requests:
        stack.residuals(matches)

    assert sorted(requests) == [*["match.with_p_group"] * 3, *["section.resolved_tiles"] * 3, "stack.z_values"]


# Real data


def test_solve__real_montages(gateway: Gateway, shared_data: Path) -> None:
    """Two real montages fit better than before, and better than they were solved by others."""
    folder = shared_data / "asap"
    table = MatchTable.from_json(gzip.decompress((folder / "em_montage_qc_point_matches.json.gz").read_bytes()))
    gateway.match_collection("m").put(table)
    matches = gateway.match_collection("m", frame="before:match")
    mean = {}
    for name in ("pre", "post"):
        text = (folder / f"em_montage_qc_{name}_tilespecs.json").read_bytes().replace(b"{{test_data_root}}", b"/data")
        load_files(gateway.stack(name), [text])
        mean[name] = gateway.stack(name).residuals(matches).total.mean_px

    solved = gateway.stack("pre").solve(matches, "solved")

    assert (solved.before.pair_count, solved.before.point_count) == (69, 13445)
    assert solved.before.mean_px == pytest.approx(mean["pre"])
    assert solved.after.mean_px < mean["post"] < mean["pre"]
    assert solved.stack.residuals(matches).total.mean_px == pytest.approx(solved.after.mean_px)
