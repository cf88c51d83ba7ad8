"""Matching of pair files and of pairs of URLs; features of their tiles; filtering of stored candidates."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rendergateway.alignment.matches import MatchRule, filtered
from rendergateway.alignment.stages import MatchStage
from rendergateway.errors import ConfigurationError, RecordError
from rendergateway.model.files.objects import read_objects, write_objects
from rendergateway.model.files.pair_files import PairFile, PairWriter, read_pairs
from rendergateway.model.records.matches import MatchRecord
from rendergateway.model.records.render_parameters import RenderParameters
from rendergateway.model.tables.pair_table import PairTable, TilePair
from rendergateway.number_text import double_text
from rendergateway.progress import Progress, tracking
from rendergateway.wrappers.images.render import recipe_pixels
from rendergateway.wrappers.matching.canvases import canvas_of, check_service, recipe_of
from rendergateway.wrappers.matching.derive import Derived, Matcher, PairsAt, of_sets
from rendergateway.wrappers.matching.runners import runner

if TYPE_CHECKING:
    from rendergateway import Gateway, MatchCollectionWrapper

__all__ = ["describe_files", "filter_file", "match_files", "url_pairs"]

_OPPOSITE = {"TOP": "BOTTOM", "BOTTOM": "TOP", "LEFT": "RIGHT", "RIGHT": "LEFT", "": ""}


def match_files(
    collection: MatchCollectionWrapper,
    files: Iterable[str | os.PathLike[str]],
    stages: Sequence[MatchStage],
    *,
    failed_pairs: str | os.PathLike[str] | None = None,
    **options: Any,
) -> Derived:
    """
    Match the pairs of pair files, and save their matches.

    Parameters
    ----------
    collection : MatchCollectionWrapper
        Where to save them.
    files : iterable of path
    stages : sequence of MatchStage
    failed_pairs : str or Path, optional
        Folder, created if it is missing, for files of the pairs without matches, of the names of the pair files.
    **options
        Those of `MatchCollectionWrapper.derive`.

    Raises
    ------
    RecordError
        If a file is not one of tile pairs.
    RenderGatewayError, OSError
        As `MatchCollectionWrapper.derive`.
    """
    paths = [Path(file) for file in files]
    if failed_pairs is not None:
        Path(failed_pairs).mkdir(parents=True, exist_ok=True)
    found = collection.derive(paths, stages, **options)
    if failed_pairs is not None:
        failed = set(found.unmatched)
        for path in paths:
            _write_failed(read_pairs(path), failed, Path(failed_pairs) / path.name)
    return found


def _write_failed(source: PairFile, failed: set[TilePair], path: Path) -> None:
    left = PairTable.of(pair for pair in source.pairs if pair in failed)
    PairWriter(path, source.template, len(left)).write_rest(left)


def url_pairs(
    collection: MatchCollectionWrapper,
    urls: Sequence[tuple[str, str]],
    *,
    groups: str = "FIRST_TILE_SECTION_ID",
    ids: str = "FIRST_TILE_ID",
    first_position: str = "",
) -> PairsAt:
    """
    Return pairs of pictures for `MatchCollectionWrapper.derive`, from the URLs of their render parameters.

    Parameters
    ----------
    collection : MatchCollectionWrapper
        Where the matches will be saved.
    urls : sequence of (str, str)
    groups : {'FIRST_TILE_SECTION_ID', 'FIRST_TILE_Z', 'COLLECTION'}
        What the match group of a picture is: section id or z of its first tile, or the name of the collection, which is
        also the group of tiles without section id.
    ids : {'FIRST_TILE_ID', 'FIRST_TILE_Z', 'CANVAS_NAME'}
        What its id is: id or z of its first tile, or a number.
    first_position : {'TOP', 'BOTTOM', 'LEFT', 'RIGHT'}, optional
        Position of the first picture of each pair, if they are clipped.

    Raises
    ------
    ConfigurationError
        If a URL is not one of render parameters, or a name is unknown.
    NotFoundError
        If a tile does not exist.
    RecordError
        If a picture has no tile, or the tile no z.

    Notes
    -----
    One request per URL.
    """
    if groups not in _GROUPS or ids not in _IDS:
        raise ConfigurationError(
            f"groups and ids of pictures must be of {', '.join((*_GROUPS, *_IDS))}: got {groups} and {ids}"
        )
    client, name = collection._conn, collection._key.collection
    check_service((url for pair in urls for url in pair), client.server)
    recipes = {url: recipe_of(client, canvas_of(url, "", url, {})) for pair in urls for url in pair}
    numbers = {url: number for number, url in enumerate(recipes)}

    def names(url: str) -> tuple[str, str]:
        recipe = recipes[url]
        return (
            name if groups == "COLLECTION" else _GROUPS[groups](recipe, url) or name,
            f"c_{numbers[url]:05d}" if ids == "CANVAS_NAME" else _IDS[ids](recipe, url),
        )

    pairs = [
        TilePair(*names(p), *names(q), p_position=first_position, q_position=_OPPOSITE[first_position]) for p, q in urls
    ]
    return PairsAt(PairTable.of(pairs), urls=tuple(urls))


def _first_tile(recipe: RenderParameters, url: str) -> Any:
    if not recipe.tiles:
        raise RecordError(
            f"render parameters have no tile: got none from {url}; a picture is named after its first one"
        )
    return recipe.tiles[0]


def _z_of(recipe: RenderParameters, url: str) -> str:
    tile = _first_tile(recipe, url)
    if tile.z is None:
        raise RecordError(f"tile {tile.tile_id!r} has no z, which names its picture: got {url}")
    return double_text(tile.z)


def _section_of(recipe: RenderParameters, url: str) -> str | None:
    layout = _first_tile(recipe, url).layout
    return None if layout is None else layout.section_id


_GROUPS: dict[str, Any] = {
    "FIRST_TILE_SECTION_ID": _section_of,
    "FIRST_TILE_Z": _z_of,
    "COLLECTION": None,
}
_IDS: dict[str, Any] = {
    "FIRST_TILE_ID": lambda recipe, url: _first_tile(recipe, url).tile_id,
    "FIRST_TILE_Z": _z_of,
    "CANVAS_NAME": None,
}


def describe_files(
    gateway: Gateway,
    files: Iterable[str | os.PathLike[str]],
    stage: MatchStage,
    feature_cache: str | os.PathLike[str],
    *,
    part: tuple[int, int | None] = (0, None),
    compute: str = "service",
    workers: int = 1,
    progress: Progress = None,
) -> int:
    """
    Describe the tiles of pair files, and store their features; return the number of pictures.

    Parameters
    ----------
    gateway : Gateway
    files : iterable of path
        Pair files.
    stage : MatchStage
        How tiles are drawn and described.
    feature_cache : str or Path
        The folder, as for `MatchCollectionWrapper.derive`.
    part : (int, int or None)
        Only these pictures, in the order of the files: the first, and the one after the last.
    compute, workers, progress
        As for `MatchCollectionWrapper.derive`.

    Raises
    ------
    RecordError
        If a file is not one of tile pairs.
    NotFoundError
        If a tile does not exist.
    ImageError
        If a tile cannot be drawn.
    """
    sources = [PairsAt(found.pairs, found.template) for found in map(read_pairs, files)]
    for source in sources:
        check_service(source.all_urls(), gateway.server)
    canvases = dict.fromkeys(one for source in sources for work in source.work() for one in work.canvases(stage))
    chosen = list(canvases)[slice(*part)]
    matcher = Matcher(
        client=gateway,
        stages=(stage,),
        draw=recipe_pixels,
        compute=compute,
        feature_cache=os.fspath(feature_cache),
    )
    with (
        tracking(progress, "Describing tiles", len(chosen)) as report,
        runner(max(1, min(workers, len(chosen)))) as runs,
    ):
        tasks = [matcher.task(canvas, stage) for canvas in chosen]
        for number, features in enumerate(runs.describe(tasks), 1):
            runs.forget(features)
            report(number)
    return len(chosen)


def filter_file(
    source: str | os.PathLike[str], target: str | os.PathLike[str], rule: MatchRule, *, scale: float = 1.0
) -> int:
    """
    Filter the candidates of a file of matches; return the number of pairs that have matches.

    Parameters
    ----------
    source : str or Path
        A JSON array of matches, whose points are in pixels of full scale.
    target : str or Path
        The file of the filtered matches; its folder is created if it is missing.
    rule : MatchRule
        Its epsilon is in pixels of the pictures.
    scale : float
        Scale of the pictures that the candidates were found in.

    Raises
    ------
    RecordError
        If the file is not one of matches.
    OSError
        If a file cannot be read or written.
    """
    records = [MatchRecord.from_json(text) for _, text in read_objects(source, "matches")]
    found = [one for record in records for one in _filtered(record, rule, scale)]
    Path(target).parent.mkdir(parents=True, exist_ok=True)
    write_objects(target, (record.to_json() for record in found))
    return len({(one.p_group, one.q_group, one.p_id, one.q_id) for one in found})


def _filtered(record: MatchRecord, rule: MatchRule, scale: float) -> list[MatchRecord]:
    sets = filtered(record.p * scale, record.q * scale, rule, scale)
    return of_sets([record.evolve(p=p / scale, q=q / scale, weights=[1.0] * len(p)) for p, q in sets])
