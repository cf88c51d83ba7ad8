"""What callers pass to be matched: pairs of a stack, tables, files; and the stages."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from rendergateway.alignment.stages import MatchStage
from rendergateway.model.files.pair_files import read_pairs
from rendergateway.model.tables.pair_table import PairTable, TilePair
from rendergateway.wrappers.core.bound import Bound
from rendergateway.wrappers.core.keys import StackKey
from rendergateway.wrappers.matching.derive import PairsAt
from rendergateway.wrappers.matching.tile_pairs import TilePairs, url_template

__all__ = ["DerivedPairs", "checked_stages", "sources_of"]

_Path: TypeAlias = str | os.PathLike[str]
DerivedPairs: TypeAlias = TilePairs | PairsAt | PairTable | Iterable[TilePair] | _Path | Iterable[_Path]


def sources_of(pairs: DerivedPairs, stack: Bound[StackKey] | None) -> list[PairsAt]:
    """
    Return pairs with the URL templates of their tiles.

    Raises
    ------
    TypeError
        If they are something else, or the stack is missing.
    RecordError
        If a file is not one of tile pairs.
    """
    if isinstance(pairs, PairsAt):
        return [pairs]
    if isinstance(pairs, TilePairs):
        return [PairsAt(pairs.table(), pairs.template)]
    if isinstance(pairs, str | os.PathLike):
        pairs = [pairs]
    if not isinstance(pairs, PairTable):
        items: list[Any] = list(pairs)
        if items and all(isinstance(item, str | os.PathLike) for item in items):
            return [PairsAt(found.pairs, found.template) for found in map(read_pairs, items)]
        wrong = next((item for item in items if not isinstance(item, TilePair)), None)
        if wrong is not None:
            raise TypeError(f"pairs must be tile pairs or paths of pair files: got {wrong!r}")
        pairs = PairTable.of(items)
    if stack is None:
        raise TypeError("a table of pairs has no stack; pass stack=")
    return [PairsAt(pairs, url_template(stack.key))]


def checked_stages(
    stages: MatchStage | Sequence[MatchStage] | None, options: Mapping[str, Any]
) -> tuple[MatchStage, ...]:
    """
    Return the stages of a run.

    Raises
    ------
    TypeError
        If both are given, or something is not a stage.
    """
    if stages is None:
        return (MatchStage.of(**options),)
    if options:
        raise TypeError(f"stages have options of their own: got {', '.join(options)} as well; pass one of them")
    found = (stages,) if isinstance(stages, MatchStage) else tuple(stages)
    wrong = next((one for one in found if not isinstance(one, MatchStage)), None)
    if wrong is not None or not found:
        raise TypeError(f"stages must be MatchStage objects, at least one: got {stages!r}")
    return found
