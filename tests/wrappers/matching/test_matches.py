"""Point matches: saved, read from either side, merged, mapped to the world, copied and deleted."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from rendergateway import (
    BadRequestError,
    ConfigurationError,
    Gateway,
    Layout,
    MatchCollectionWrapper,
    MatchRecord,
    MatchTable,
    MergedMatches,
    NotFoundError,
    RecordError,
    RenderGatewayError,
    StackWrapper,
    TileRecord,
    TransformError,
)
from rendergateway.transforms import UnknownTransform

POINTS = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]])


def pair(p_group: str, p_id: str, q_group: str, q_id: str, shift: float = 10.0) -> MatchRecord:
    return MatchRecord(p_group=p_group, p_id=p_id, q_group=q_group, q_id=q_id, p=POINTS, q=POINTS + shift)


@pytest.fixture
def many(gateway: Gateway) -> MatchCollectionWrapper:
    """Pairs within and across three groups; "10.0" is stored before "9.0"."""
    many = gateway.match_collection("many")
    many.put(
        [
            pair("9.0", "a", "9.0", "b"),
            pair("9.0", "b", "9.0", "c"),
            pair("9.0", "a", "10.0", "d"),
            pair("10.0", "d", "10.0", "e"),
            pair("11.0", "f", "9.0", "a"),
        ]
    )
    return many


def ids(pairs: object) -> list[tuple[str, str]]:
    return [(one.p_id, one.q_id) for one in pairs]  # type: ignore[attr-defined]


# Reading


def test_pairs__within_a_section(matches: MatchCollectionWrapper, stack: StackWrapper, gateway: Gateway) -> None:
    """A section's pairs come with one request, their points as arrays when they are read."""
    first = stack.sections()[0]
    assert first.section_ids == ["1.0"]

    with gateway.counting() as requests:
        pairs = matches.pairs(within=first)
        assert requests == []
        (one,) = pairs
        assert one.p.shape == one.q.shape == (3, 2)
        np.testing.assert_array_equal(one.p[2], [90, 79])
        np.testing.assert_array_equal(one.weights, [1, 1, 1])
        assert matches.pairs(within=first) is pairs

    assert requests == ["match.within_group"]
    assert one.parent is matches
    assert repr(one) == "<MatchPairWrapper dmesh: 1.0/t1_0 – 1.0/t1_1>"
    assert len(matches.pairs()) == matches.pair_count == 2


def test_pairs__selections(many: MatchCollectionWrapper, gateway: Gateway) -> None:
    """Each criterion makes its own requests, and the selected side is p in any stored order."""
    with gateway.counting() as requests:
        assert ids(many.pairs(within="9.0")) == [("a", "b"), ("b", "c")]
        assert ids(many.pairs(between=("9.0", "10.0"))) == [("a", "d")]
        assert ids(many.pairs(between=("10.0", "9.0"))) == [("d", "a")]
        assert ids(many.pairs(outside="9.0")) == [("a", "d"), ("a", "f")]
        assert ids(many.pairs(tile=("9.0", "a"))) == [("a", "d"), ("a", "f"), ("a", "b")]
        assert ids(many.pairs(tile=("10.0", "d"))) == [("d", "e"), ("d", "a")]
        assert ids(many.pairs(p_group="10.0")) == [("d", "e"), ("d", "a")]
    assert requests == [
        "match.within_group",
        "match.between_groups",
        "match.between_groups",
        "match.outside_group",
        "match.with_tile",
        "match.with_tile",
        "match.with_p_group",
    ]
    with gateway.counting() as requests:
        assert ids(many.pairs()) == [("d", "e"), ("d", "a"), ("f", "a"), ("a", "b"), ("b", "c")]
    assert requests == ["match.p_group_ids"] + ["match.with_p_group"] * 3
    assert ids(many.pairs(between=(many.group("9.0"), "10.0"))) == [("a", "d")]
    with pytest.raises(TypeError, match="a group must be a section, a match group or an id, got 9"):
        len(many.pairs(within=9))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="pairs are selected by one criterion, got within and between"):
        many.pairs(within="1.0", between=("1.0", "2.0"))


def test_pairs__points_follow_the_side(many: MatchCollectionWrapper) -> None:
    """Seen from the other side, p and q change places with their points; so does a pair named in the other order."""
    stored = many.pairs(between=("10.0", "9.0"))[0]
    turned = many.pairs(between=("9.0", "10.0"))[0]
    named = many.pair("a", "d", p_group="9.0", q_group="10.0")

    # Put as a → d; the service stores d first.
    np.testing.assert_array_equal(stored.q, POINTS)
    for seen in (turned, named, stored.swapped):
        np.testing.assert_array_equal(seen.p, POINTS)
        np.testing.assert_array_equal(seen.q, POINTS + 10)
        assert seen.id == ("9.0", "a", "10.0", "d")
        assert seen is turned
    assert turned != stored
    assert turned.swapped is stored


def test_pairs__ordered_by_what_is_p(gateway: Gateway) -> None:
    """Pairs are sorted by the p ids of the query."""
    crossed = gateway.match_collection("crossed")
    crossed.put([pair("1", "a", "2", "z"), pair("1", "b", "2", "y")])

    assert ids(crossed.pairs(between=("1", "2"))) == [("a", "z"), ("b", "y")]
    assert ids(crossed.pairs(between=("2", "1"))) == [("y", "b"), ("z", "a")]


def test_pair__named(many: MatchCollectionWrapper, gateway: Gateway) -> None:
    """A pair is opened without a request and loaded with one; a missing pair is an error."""
    with gateway.counting() as requests:
        one = many.pair("e", "d", p_group="10.0", q_group="10.0")
        assert requests == []
        assert len(one) == 3
        np.testing.assert_array_equal(one.p, POINTS + 10)
    assert requests == ["match.between_tiles"]
    with pytest.raises(NotFoundError, match=r"many has no matches of 9\.0/x – 9\.0/y"):
        many.pair("x", "y", p_group="9.0", q_group="9.0").load()
    with pytest.raises(TypeError, match="p is the id 'x'; pass its group as p_group"):
        many.pair("x", "y")


def test_pairs__from_tiles(matches: MatchCollectionWrapper, stack: StackWrapper, gateway: Gateway) -> None:
    """A tile leads to its pairs with one request, and two tiles to the pair of both."""
    tile, neighbour = stack.section(1).tiles()
    across = stack.section(2).tiles()[0]

    with gateway.counting() as requests:
        pairs = tile.matches(matches)
        assert [one.q_id for one in pairs] == ["t1_1", "t2_0"]
        assert all(one.p_id == "t1_0" for one in pairs)
        assert pairs[0].tiles(stack) == (tile, neighbour)
    assert requests == ["match.with_tile"]
    assert across.matches("dmesh")[0].id == ("2.0", "t2_0", "1.0", "t1_0")
    assert matches.pair(across, tile) is across.matches("dmesh")[0]
    assert len(matches.pairs(tile=tile._obj)) == 2
    with pytest.raises(TypeError, match="p_group is for ids"):
        matches.pair(tile, across, p_group="1.0")
    with pytest.raises(RecordError, match="'bare' has no section id"):
        len(matches.pairs(tile=TileRecord(tile_id="bare")))


def test_pairs__without_points(many: MatchCollectionWrapper, gateway: Gateway) -> None:
    """A listing without points has their count; the points of a pair are loaded lazily."""
    with gateway.counting() as requests:
        pairs = many.pairs(within="9.0", points=False)
        assert [len(one) for one in pairs] == [3, 3]
        assert pairs[0]._obj.points is None
        one = pairs[1]
        np.testing.assert_array_equal(one.p, POINTS)
        np.testing.assert_array_equal(one.q, POINTS + 10)

    assert requests == ["match.within_group", "match.between_tiles"]


def test_pairs__section_of_two_ids(gateway: Gateway) -> None:
    """In a layer of two sections, pairs between them are within it, not outside."""
    stack = gateway.create_stack("twofold")
    layouts = {"a": "1a", "b": "1b", "c": "2"}
    with stack.editing() as edit:
        edit.put(
            TileRecord(tile_id=id, z=z, width=9, height=9, layout=Layout(section_id=section_id), transforms=[])
            for (id, section_id), z in zip(layouts.items(), (1, 1, 2), strict=True)
        )
    first, second = stack.sections()
    twofold = gateway.match_collection("twofold")
    records = [pair("1a", "a", "1a", "a2"), pair("1a", "a", "1b", "b"), pair("1b", "b", "2", "c")]
    twofold.put(records)

    assert ids(twofold.pairs(within=first)) == [("a", "a2"), ("a", "b")]
    assert ids(twofold.pairs(outside=first)) == [("b", "c")]
    assert ids(twofold.pairs(outside=second)) == [("c", "b")]
    assert ids(twofold.pairs(between=(second, first))) == [("c", "b")]
    assert ids(twofold.pairs(between=(first, first))) == [("a", "a2"), ("a", "b")]
    assert twofold.delete_pairs(outside=first) == 1
    assert ids(twofold.pairs()) == [("a", "a2"), ("a", "b")]
    twofold.put(records)
    assert twofold.delete_pairs(within=first) == 2
    assert ids(twofold.pairs()) == [("b", "c")]


def test_pairs__section_without_id(gateway: Gateway) -> None:
    """A section without section id has no group of matches: that is an error, not an empty answer."""
    stack = gateway.create_stack("bare")
    with stack.editing() as edit:
        edit.put([TileRecord(tile_id="a", z=0, width=10, height=10, transforms=[])])

    with pytest.raises(RecordError, match="has no section id, so it is not a group of matches"):
        len(gateway.match_collection("any").pairs(within=stack.section(0)))


def test_iter_pairs__one_answer_after_the_other(many: MatchCollectionWrapper, gateway: Gateway) -> None:
    """Pairs stream: each request is made when its pairs are reached."""
    with gateway.counting() as requests:
        stream = many.iter_pairs()
        first = next(stream)
        assert requests == ["match.p_group_ids", "match.with_p_group"]
        rest = list(stream)

    assert first.p.shape == (3, 2)
    assert len(rest) == 4
    assert requests == ["match.p_group_ids"] + ["match.with_p_group"] * 3
    assert ids(many.iter_pairs(tile=("10.0", "d"))) == [("d", "e"), ("d", "a")]
    assert [len(one) for one in many.iter_pairs(within="9.0", points=False)] == [3, 3]


def test_table__columns_of_answers(many: MatchCollectionWrapper, gateway: Gateway) -> None:
    """Pairs as columns, from one answer or several, with the requested side as p."""
    with gateway.counting() as requests:
        table = many.table()
        within = many.table(within="9.0")
        turned = many.table(between=("9.0", "10.0"))
        tables = list(many.iter_tables())

    assert requests == [
        *["match.p_group_ids", *["match.with_p_group"] * 3],
        "match.within_group",
        "match.between_groups",
        *["match.p_group_ids", *["match.with_p_group"] * 3],
    ]
    assert table.p_id.tolist() == ["d", "d", "f", "a", "b"]
    assert table.counts.tolist() == [3] * 5
    assert within.p_id.tolist() == ["a", "b"]
    assert turned.p_id.tolist() == ["a"]
    np.testing.assert_array_equal(turned.q, POINTS + 10)
    assert [len(one) for one in tables] == [2, 1, 2]
    assert many.pairs(within="9.0").table().q_id.tolist() == ["b", "c"]
    assert len(many.table(within="nobody")) == 0


def test_groups__by_side(many: MatchCollectionWrapper, gateway: Gateway) -> None:
    """Groups are those on either side, or on one side as stored."""
    with gateway.counting() as requests:
        assert many.groups().ids == ["10.0", "11.0", "9.0"]
        assert many.groups(side="p").ids == ["10.0", "11.0", "9.0"]
        assert many.groups(side="q").ids == ["10.0", "9.0"]

    assert requests == ["match.group_ids", "match.p_group_ids", "match.q_group_ids"]
    with pytest.raises(ValueError, match="side must be 'p' or 'q', got 'r'"):
        many.groups(side="r")


def test_match_collection__missing(gateway: Gateway) -> None:
    """Reading a collection that does not exist is an error."""
    nowhere = gateway.match_collection("nowhere")

    assert not nowhere.exists
    for read in (
        lambda: nowhere.groups().ids,
        nowhere.table,
        lambda: len(nowhere.pairs(within="1")),
        lambda: nowhere.pair_count,
    ):
        with pytest.raises(NotFoundError, match="nowhere"):
            read()


# Merging


def test_merged__as_one(many: MatchCollectionWrapper, gateway: Gateway) -> None:
    """Pairs of several collections come once, with the points of all, and stay apart from those of each."""
    by_hand = gateway.match_collection("by_hand")
    by_hand.put([pair("9.0", "b", "9.0", "a", shift=-1), pair("9.0", "x", "9.0", "y")])
    alone = many.pairs(within="9.0")[0]
    merged = many.merged_with("by_hand")

    with gateway.counting() as requests:
        pairs = merged.pairs(within="9.0")
        assert ids(pairs) == [("a", "b"), ("b", "c"), ("x", "y")]
    assert requests == ["match.within_group"]
    np.testing.assert_array_equal(pairs[0].p, np.concatenate([POINTS, POINTS - 1]))
    np.testing.assert_array_equal(alone.p, POINTS)
    assert pairs[0] != alone
    assert len(merged.pair("b", "a", p_group="9.0", q_group="9.0")) == 6
    np.testing.assert_array_equal(merged.pair("b", "a", p_group="9.0", q_group="9.0").p[3:], POINTS)
    assert len(merged.table()) == 6
    assert len(merged.pairs(tile=("9.0", "a"))) == 3
    assert merged.groups() == ["10.0", "11.0", "9.0"]
    assert repr(merged) == "<MergedMatches lab/many+by_hand>"
    assert isinstance(many.merged_with(by_hand, by_hand, many), MergedMatches)
    assert str(many.merged_with(by_hand, by_hand, many)) == "many+by_hand"


def test_merged__after_a_write(many: MatchCollectionWrapper, gateway: Gateway) -> None:
    """A write to any of the collections invalidates the merged pairs."""
    by_hand = gateway.match_collection("by_hand")
    by_hand.put([pair("9.0", "x", "9.0", "y")])
    merged = many.merged_with(by_hand)
    pairs, named = merged.pairs(within="9.0"), merged.pair("c", "b", p_group="9.0", q_group="9.0")
    one = pairs[0]
    assert (len(pairs), len(one), len(named)) == (3, 3, 3)

    by_hand.put([pair("9.0", "a", "9.0", "b"), pair("9.0", "b", "9.0", "c")])

    assert (len(one), len(named)) == (6, 6)
    assert len(pairs) == 3
    with pytest.raises(RenderGatewayError, match="is merged from several collections; delete it in each"):
        one.delete()


def test_merged__what_cannot_be(many: MatchCollectionWrapper, gateway: Gateway) -> None:
    """Collections of another owner or frame are not merged, and a missing one is an error when read."""
    with pytest.raises(ConfigurationError, match="merges collections of one owner"):
        many.merged_with(gateway.match_collection("many", owner="other"))
    with pytest.raises(NotFoundError, match="nowhere"):
        len(many.merged_with("nowhere").pairs(within="9.0"))
    many = gateway.match_collection("many", frame="raw")
    with pytest.raises(ConfigurationError, match=r"the frame of <.*> is raw, that of <.*> is lens_corrected"):
        many.merged_with(gateway.match_collection("other", frame="lens_corrected"))


# The world


def test_world__raw_and_lens_corrected(matches: MatchCollectionWrapper, stack: StackWrapper, gateway: Gateway) -> None:
    """Raw points pass all transforms of their tiles, lens-corrected points those after the lens."""
    one = matches.pair("t1_0", "t1_1", p_group="1.0", q_group="1.0")
    with pytest.raises(
        ConfigurationError, match=r"is not set; gateway.match_collection\('dmesh', frame='raw'\) sets it"
    ):
        one.world_points(stack)

    one = gateway.match_collection("dmesh", frame="raw").pair("t1_0", "t1_1", p_group="1.0", q_group="1.0")
    assert (one.match_collection.frame, matches.frame) == ("raw", None)
    with gateway.counting() as requests:
        p, q = one.world_points(stack)
    # Both tiles are stored with the lens as a reference, which is read once.
    assert requests == ["match.between_tiles", "tile.read", "transform.read", "tile.read"]
    np.testing.assert_allclose(p, [[91, 2], [100, 2], [91, 81]])
    np.testing.assert_allclose(q, p)
    np.testing.assert_allclose(one.residuals(stack), [0, 0, 0])

    one = gateway.match_collection("dmesh", frame="lens_corrected").pairs(tile=("1.0", "t1_0"))[0]
    p, q = one.world_points(stack)
    np.testing.assert_allclose(p, [[90, 0], [99, 0], [90, 79]])
    np.testing.assert_allclose(one.residuals(stack), [0, 0, 0])
    with pytest.raises(ValueError, match="frame must be 'raw' or 'lens_corrected', got 'cooked'"):
        gateway.match_collection("dmesh", frame="cooked")


@pytest.mark.parametrize("frame", ["raw", "lens_corrected"])
def test_world__of_many_pairs(
    frame: str, matches: MatchCollectionWrapper, stack: StackWrapper, gateway: Gateway
) -> None:
    """The points of a whole table are transformed with one request, to the same places as those of single pairs."""
    matches = gateway.match_collection("dmesh", frame=frame)
    table = matches.table()

    with gateway.counting() as requests:
        p, q = matches.world_points(stack, table)
        residuals = matches.residuals(stack, table)

    assert requests == ["stack.tile_specs"] * 2
    single = [one.world_points(stack) for one in matches.pairs()]
    np.testing.assert_allclose(p, np.concatenate([p for p, _ in single]))
    np.testing.assert_allclose(q, np.concatenate([q for _, q in single]))
    np.testing.assert_allclose(residuals, np.concatenate([one.residuals(stack) for one in matches.pairs()]))
    assert matches.merged_with("dmesh").residuals(stack, table).tolist() == residuals.tolist()


def test_world__tiles_of_another_service(matches: MatchCollectionWrapper, stack: StackWrapper) -> None:
    """Matches of one service are mapped by tiles and selected by sections of another."""
    with Gateway("embedded:", owner="lab", project="cortex") as other:
        raw = matches._conn.match_collection(matches.id, frame="raw")
        copied = raw.copy_to("theirs", owner="them", gateway=other)

        assert copied.owner.name == "them"
        assert copied.pair_count == 2
        (one,) = copied.pairs(within=stack.section(1))
        assert one.residuals(stack).tolist() == [0, 0, 0]
        assert ids(stack.section(1).tiles()[1].matches(copied)) == [("t1_1", "t1_0")]


def test_world__what_stands_in_the_way(matches: MatchCollectionWrapper, stack: StackWrapper, gateway: Gateway) -> None:
    """A tile that is missing or has an unknown transform is an error with its name."""
    matches = gateway.match_collection("dmesh", frame="raw")
    partial = gateway.create_stack("partial")
    with partial.editing() as edit:
        edit.put(list(stack.section(1).tiles()))
    broken = gateway.create_stack("broken")
    warp = UnknownTransform("some.Warp", "1")
    with broken.editing() as edit:
        tiles = [tile._obj for z in (1, 2) for tile in stack.section(z).tiles()]
        edit.put(tile.evolve(transforms=[warp], max_x=tile.max_x) for tile in tiles)

    with pytest.raises(NotFoundError, match="1 tiles of the matches are not in stack partial: t2_0"):
        matches.world_points(partial, matches.table())
    with pytest.raises(TransformError, match=r"tile 't1_0' of stack broken: transform class 'some.Warp'"):
        matches.residuals(broken, matches.table())
    with pytest.raises(NotFoundError, match="'t2_0' does not exist"):
        matches.pair("t2_0", "t1_0", p_group="2.0", q_group="1.0").world_points(partial)


def test_frame__travels(matches: MatchCollectionWrapper, tmp_path: object) -> None:
    """The frame is preserved by pickling and in gateways made with using()."""
    with Gateway(f"embedded:{tmp_path}/render.db", owner="lab") as gateway:
        far = gateway.match_collection("far", frame="raw")
        far.put([pair("1", "a", "1", "b")])
        one = far.pairs()[0]

        assert pickle.loads(pickle.dumps(one)).match_collection is far
        assert far._conn.using(owner="lab").match_collection("far").frame == "raw"
        assert far._conn.match_collection("far", owner="other").frame is None


# Writing


def test_put__records_tables_and_pairs(many: MatchCollectionWrapper, gateway: Gateway) -> None:
    """Records, tables, pairs and streams of them are saved in batches and replace existing pairs."""
    other = gateway.match_collection("other")
    with gateway.counting() as requests:
        assert other.put(many.table(), batch=2) == 5
    assert requests == ["match.p_group_ids"] + ["match.with_p_group"] * 3 + ["match.save"] * 3
    assert other.put(many.pairs(within="9.0")) == 2
    assert other.put(pair("9.0", "a", "9.0", str(number)) for number in range(3)) == 3
    assert other.put([]) == 0
    assert other.put([MatchRecord.between(
        TileRecord(tile_id="q", layout=Layout(section_id="z")),
        TileRecord(tile_id="p", layout=Layout(section_id="a")),
        p=POINTS, q=POINTS + 1,
    )]) == 1  # fmt: skip
    assert other.pair_count == 9
    np.testing.assert_array_equal(other.pair("q", "p", p_group="z", q_group="a").p, POINTS)
    assert other.put(many.pairs(within="9.0", points=False)) == 2
    assert len(other.pairs(within="9.0").filter(q_id="c")[0].p) == 3
    with pytest.raises(ValueError, match="batch must be >= 1, got 0"):
        other.put(many.pairs(), batch=0)
    with pytest.raises(TypeError, match=r"matches must be MatchRecord objects or a MatchTable, got {'pId': 'a'}"):
        other.put([{"pId": "a"}])  # type: ignore[list-item]


def test_put__points_by_row(gateway: Gateway) -> None:
    """Points as rows of x, y, which the service would store and all would misread, are refused and can be repaired."""
    text = b'[{"pGroupId":"1","pId":"a","qGroupId":"1","qId":"b","matches":{"p":[[1,2],[3,4],[5,6]],'
    text += b'"q":[[1,2],[3,4],[5,6]],"w":[1,1,1]}}]'
    table = MatchTable.from_json(text)
    matches = gateway.match_collection("new")

    with gateway.counting() as requests:
        for wrong in (table, table.records(), [MatchRecord(p_group="1", p_id="a", q_group="1", q_id="b")]):
            with pytest.raises(RecordError, match="1/a – 1/b"):
                matches.put(wrong)
    assert requests == []
    with pytest.raises(RecordError, match=r"repaired\(\)"):
        matches.put(table)
    assert matches.put(table.repaired()) == 1
    assert matches.pairs()[0].p.tolist() == [[1, 2], [3, 4], [5, 6]]
    with pytest.raises(RecordError, match=r"has shape \(2, 3\)"):
        MatchRecord(p_group="1", p_id="a", q_group="1", q_id="b", p=POINTS.T, q=POINTS.T)


def test_delete_pairs__after_a_look(many: MatchCollectionWrapper, gateway: Gateway) -> None:
    """A dry run counts the pairs without reading points, and the deletion returns their number."""
    with gateway.counting() as requests:
        assert many.delete_pairs(between=("9.0", "10.0"), dry_run=True) == 1
        assert many.delete_pairs(between=("9.0", "10.0")) == 1
        assert many.delete_pairs(between=("9.0", "10.0")) == 0
    assert requests == [
        "match.between_groups",
        "match.between_groups",
        "match.delete_between_groups",
        "match.between_groups",
    ]
    assert many.delete_pairs(tile=("9.0", "c")) == 1
    assert many.delete_pairs(outside="11.0") == 1
    assert many.delete_pairs(p_group="10.0") == 1
    assert ids(many.pairs()) == [("a", "b")]
    assert many.delete_pairs(within="9.0") == 1
    assert many.exists
    assert many.pair_count == 0
    with pytest.raises(TypeError, match=r"pass within=, .*; delete\(\) deletes the collection"):
        many.delete_pairs()
    with pytest.raises(NotFoundError, match="nowhere"):
        gateway.match_collection("nowhere").delete_pairs(within="1")


def test_pair__delete(many: MatchCollectionWrapper, gateway: Gateway) -> None:
    """A pair is deleted from either side; listings show it."""
    with gateway.counting() as requests:
        many.pair("d", "a", p_group="10.0", q_group="9.0").delete()

    assert requests == ["match.delete_between_tiles"]
    assert len(many.pairs()) == 4


def test_copy_to__and_rename(many: MatchCollectionWrapper, gateway: Gateway) -> None:
    """A copy has the same pairs, and a renamed collection has its new name and the same frame."""
    many = gateway.match_collection("many", frame="raw")
    with gateway.counting() as requests:
        copied = many.copy_to("copied")
    assert requests == ["match.collections", "match.p_group_ids"] + ["match.with_p_group", "match.save"] * 3
    assert copied.table().to_json() == many.table().to_json()
    assert copied.frame == "raw"
    with pytest.raises(BadRequestError, match="use exist_ok=True to add to it"):
        many.copy_to("copied")
    assert many.copy_to("copied", exist_ok=True, batch=1) is copied
    with pytest.raises(ValueError, match="onto itself"):
        many.copy_to("many")

    with gateway.counting() as requests:
        renamed = copied.rename("renamed", owner="others")
    assert requests == ["match.rename"]
    assert renamed == gateway.match_collection("renamed", owner="others")
    assert (renamed.pair_count, renamed.frame) == (5, "raw")
    assert not copied.exists
    with pytest.raises(NotFoundError):
        copied.rename("again")
    with pytest.raises(BadRequestError, match="already exists"):
        many.rename("renamed", owner="others")
    renamed.delete()
    assert not renamed.exists


def test_update_counts(many: MatchCollectionWrapper, gateway: Gateway) -> None:
    """Counts are made anew group by group."""
    with gateway.counting() as requests:
        many.update_counts()

    assert requests == ["match.p_group_ids"] + ["match.update_counts"] * 3
