"""Coordinates of tiles and of the world."""

from __future__ import annotations

from typing import Any

from tests.translations.pairs.rows import Row, only_here, same

# Answers of the service, as in files of its clients.
D_WORLD = "d = [{'tileId': 'a', 'world': [1.0, 2.0, 5.0]}, {'tileId': 'a', 'world': [3.0, 4.0, 5.0]}]"
D_LOCAL = (
    "d = [[{'tileId': 'b', 'local': [9.0, 9.0, 5.0]}, {'tileId': 'a', 'visible': True, 'local': [1.0, 2.0, 5.0]}],"
    " [{'tileId': 'a', 'visible': True, 'local': [3.0, 4.0, 5.0]}]]"
)
WORLD = "d = [{'world': [x, y]} for x, y in points.tolist()]"
LOCAL = "d = [{'tileId': 's2_r0_c0', 'local': [x, y]} for x, y in points.tolist()]"


def found(rows: Any) -> list[Any]:
    """Tile, point and visibility of rows of the service."""
    return [[row["tileId"], row["local"][:2], row.get("visible", False)] for row in rows]


def nested(rows: Any) -> list[Any]:
    """The same of a list of lists."""
    return [one for of_point in rows for one in found(of_point)]


def table(located: Any) -> list[Any]:
    """The same of a coordinate table."""
    rows = zip(located.tile_id, located.xy.tolist(), located.visible.tolist(), strict=True)
    return [list(row) for row in rows]


COORDINATES: list[Row] = [
    same(
        "world_to_local_coordinates",
        'world_to_local_coordinates("montage", 2, 460, 100, render=render)',
        "section.locate([[460, 100]])",
        there_as=found,
        here_as=table,
    ),
    same(
        "local_to_world_coordinates",
        'local_to_world_coordinates("montage", "s2_r0_c0", 100, 200, render=render)["world"][:2]',
        "tile.world_from_local([100, 200])",
    ),
    same(
        "world_to_local_coordinates_batch",
        'world_to_local_coordinates_batch("montage", d, 2, render=render)',
        'section.locate(points, compute="service")',
        there_as=nested,
        here_as=table,
        setup=WORLD,
    ),
    same(
        "local_to_world_coordinates_batch",
        'local_to_world_coordinates_batch("montage", d, 2, render=render)',
        'stack.world_from_local(["s2_r0_c0", "s2_r0_c0"], points).xy',
        there_as=lambda rows: [row["world"][:2] for row in rows],
        setup=LOCAL,
    ),
    same(
        "package_point_match_data_into_json",
        'package_point_match_data_into_json(points, "s2_r0_c0")',
        'CoordinateTable.from_points(points, frame="local", tile_id="s2_r0_c0").to_json()',
    ),
    same(
        "unpackage_world_to_local_point_match_from_json",
        'unpackage_world_to_local_point_match_from_json(d, "a")',
        't = CoordinateTable.from_json(to_json(d)); t[t.tile_id == "a"].xy',
        setup=D_LOCAL,
    ),
    same(
        "unpackage_local_to_world_point_match_from_json",
        "unpackage_local_to_world_point_match_from_json(d)",
        "CoordinateTable.from_json(to_json(d)).xy",
        setup=D_WORLD,
    ),
    same(
        "world_to_local_coordinates_array",
        'world_to_local_coordinates_array("montage", points[:1], "s2_r0_c0", 2, render=render)',
        'tile.local_from_world(points[:1], method="mesh")',
        "exact by default",
        also_here="assert np.allclose(tile.world_from_local(tile.local_from_world(points)), points, atol=1e-6)",
    ),
    same(
        "local_to_world_coordinates_array",
        'local_to_world_coordinates_array("montage", points, "s2_r0_c0", 2, render=render)',
        "tile.world_from_local(points)",
    ),
    only_here(
        "map_coordinates_clientside",
        'stack.world_from_local("s2_r0_c0", points).xy',
        "computed by this process; there: Java and files",
        lambda xy: xy.shape == (2, 2),
        also_here="assert np.allclose(_value, tile.world_from_local(points))",
    ),
    only_here(
        "world_to_local_coordinates_clientside",
        "section.locate(points).xy",
        "computed by this process; there: Java",
        lambda xy: len(xy) > 2,
        also_here='assert np.allclose(_value, section.locate(points, compute="service").xy)',
    ),
    only_here(
        "local_to_world_coordinates_clientside",
        'stack.world_from_local("s2_r0_c0", points).xy',
        "computed by this process; there: Java",
        lambda xy: xy.shape == (2, 2),
        also_here="assert np.allclose(_value, tile.world_from_local(points))",
    ),
]
