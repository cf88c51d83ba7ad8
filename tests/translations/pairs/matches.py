"""Point matches."""

from __future__ import annotations

from typing import Any

from tests.translations.pairs.rows import Row, same, writes

MATCH = {
    "pGroupId": "1.0",
    "pId": "a",
    "qGroupId": "2.0",
    "qId": "b",
    "matches": {
        "p": [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]],
        "q": [[6.0, 7.0, 8.0], [9.0, 10.0, 11.0]],
        "w": [1.0, 0.5, 1.0],
    },
}
D_MATCH = f"d = {MATCH!r}"


def of_dicts(pairs: Any) -> list[Any]:
    """Ids, points and weights of match dicts, in one order."""
    return sorted(
        [pair["pGroupId"], pair["pId"], pair["qGroupId"], pair["qId"], *(pair["matches"][side] for side in "pqw")]
        for pair in pairs
    )


def of_pairs(pairs: Any) -> list[Any]:
    """The same of pairs here, which face the tile or group that selects them, turned as stored."""
    found = []
    for pair in pairs:
        sides = [(pair.p_group, pair.p_id, pair.p), (pair.q_group, pair.q_id, pair.q)]
        (p_group, p_id, p), (q_group, q_id, q) = sorted(sides, key=lambda side: side[:2])
        found.append([p_group, p_id, q_group, q_id, p.T.tolist(), q.T.tolist(), pair.weights.tolist()])
    return sorted(found)


def reads(entry: str, there: str, here: str, note: str = "", **more: Any) -> Row:
    """A row that reads pairs."""
    return same(entry, there, here, note, there_as=of_dicts, here_as=of_pairs, **more)


MATCHES: list[Row] = [
    same(
        "copy_match_explicit",
        "copy_match_explicit(d)",
        "MatchRecord.from_dict(d)",
        "immutable; `evolve(…)` returns a changed one",
        setup=D_MATCH,
        also_here='assert (_value.evolve(p_id="c").p_id, _value.p_id) == ("c", "a")',
    ),
    same(
        "copy_matches_explicit",
        "copy_matches_explicit([d])",
        "MatchTable.from_records([MatchRecord.from_dict(d)])",
        "immutable",
        here_as=list,
        setup=D_MATCH,
    ),
    same("swap_matchpair", "swap_matchpair(d)", "MatchRecord.from_dict(d).swapped()", setup=D_MATCH),
    same(
        "get_matchcollection_owners",
        "get_matchcollection_owners(render=render)",
        'gateway.call("match.owners")',
        there_as=sorted,
        here_as=sorted,
    ),
    same(
        "get_matchcollections",
        "get_matchcollections(render=render)",
        "[(m.name, m.pair_count) for m in gateway.match_collections()]",
        there_as=lambda rows: sorted([row["collectionId"]["name"], row["pairCount"]] for row in rows),
    ),
    same("get_match_groupIds", 'get_match_groupIds("dmesh", render=render)', "matches.groups().ids"),
    reads(
        "get_matches_outside_group",
        'get_matches_outside_group("dmesh", "2.0", render=render)',
        "matches.pairs(outside=section)",
        "the section's side is p",
        also_here='assert {pair.p_group for pair in _value} == {"2.0"}',
    ),
    reads(
        "get_matches_within_group",
        'get_matches_within_group("dmesh", "2.0", render=render)',
        "matches.pairs(within=section)",
    ),
    reads(
        "get_matches_from_group_to_group",
        'get_matches_from_group_to_group("dmesh", "2.0", "3.0", render=render)',
        "matches.pairs(between=(section, section.next))",
    ),
    reads(
        "add_merge_collections",
        'get_matches_within_group("dmesh", "1.0", mergeCollections=["by_hand"], render=render)',
        'matches.merged_with("by_hand").pairs(within="1.0")',
        "there: names in a tuple are ignored",
        also_there='alone = get_matches_within_group("dmesh", "1.0", render=render); assert alone != _value; '
        'assert get_matches_within_group("dmesh", "1.0", mergeCollections=("by_hand",), render=render) == alone',
    ),
    reads(
        "get_matches_from_tile_to_tile",
        'get_matches_from_tile_to_tile("dmesh", "2.0", "s2_r0_c0", "2.0", "s2_r0_c1", render=render)',
        '[matches.pair("s2_r0_c0", "s2_r0_c1", p_group="2.0", q_group="2.0")]',
    ),
    reads(
        "get_matches_with_group",
        'get_matches_with_group("dmesh", "2.0", render=render)',
        "matches.pairs(p_group=section)",
    ),
    same(
        "get_match_groupIds_from_only",
        'get_match_groupIds_from_only("dmesh", render=render)',
        'matches.groups(side="p").ids',
    ),
    same(
        "get_match_groupIds_to_only",
        'get_match_groupIds_to_only("dmesh", render=render)',
        'matches.groups(side="q").ids',
    ),
    reads(
        "get_matches_involving_tile",
        'get_matches_involving_tile("dmesh", "2.0", "s2_r0_c1", render=render)',
        'stack.tile("s2_r0_c1").matches(matches)',
        "the tile is p, in whichever order the pair is stored",
        also_here='assert {pair.p_id for pair in _value} == {"s2_r0_c1"}',
    ),
    writes(
        "delete_point_matches_between_groups",
        'delete_point_matches_between_groups("dmesh", "2.0", "3.0", render=render)',
        'matches.delete_pairs(between=("2.0", "3.0"))',
        "`dry_run=True` counts",
        also_here='assert matches.delete_pairs(between=("1.0", "2.0"), dry_run=True) > 0',
    ),
    writes(
        "import_matches",
        'import_matches("new", [d], render=render)',
        'gateway.match_collection("new").put([MatchRecord.from_dict(d)])',
        "transposed points are an error",
        setup=D_MATCH,
        also_here='record = MatchRecord(p_group="1", p_id="a", q_group="1", q_id="b", p=points, q=points); '
        'assert raised(lambda: record.evolve(p=np.ones((2, 5)))) == "RecordError"',
    ),
    writes("delete_collection", 'delete_collection("dmesh", render=render)', "matches.delete()"),
]
