"""Pages of a match collection, of pairs between two groups, and of one pair with its matches drawn."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from rendergateway.catalogue.drawing import Drawing, lines_between, tiles_side_by_side
from rendergateway.catalogue.pages.places import frame_of, full_name, named_stack
from rendergateway.catalogue.site import Page, Site, is_reachable
from rendergateway.errors import RenderGatewayError
from rendergateway.extras import needed_for
from rendergateway.wrappers.core.labels import natural_order

with needed_for("the catalogue"):
    import flask

__all__ = ["FRAMES", "collection_page", "pair_page", "pairs_page"]

FRAMES = ("raw", "lens_corrected")
# Groups per page of the matrix: each row costs a request.
_GROUPS = 20
_MOST_COLUMNS = 60


@attrs.frozen
class _Cell:
    """Pairs and matches between two groups; *level* from 0 to 5 selects the colour."""

    pairs: int
    matches: int
    level: int


def collection_page(site: Site, owner: str, collection: str) -> Page:
    """
    Return the page of a collection: counts per two groups, for some p groups at a time.

    ``match.collections``, ``match.p_group_ids``, and ``match.with_p_group`` without points per row.
    """
    shown = site.gateway.match_collection(collection, owner=owner)
    words = flask.request.args.get("q", "").strip().casefold()
    named = [name for name in shown.groups(side="p").ids if words in name.casefold()]
    # The service cannot be asked for the pairs of a group whose name is empty, or has slashes.
    groups = sorted(filter(is_reachable, named), key=natural_order)
    last = max(1, -(-len(groups) // _GROUPS))
    number = min(max(1, flask.request.args.get("page", 1, type=int)), last)
    rows = groups[(number - 1) * _GROUPS : number * _GROUPS]
    counts: dict[tuple[str, str], list[int]] = {}
    for group in rows:
        for pair in shown.pairs(p_group=group, points=False):
            total = counts.setdefault((group, pair.q_group), [0, 0])
            total[0] += 1
            total[1] += len(pair)
    columns = sorted({q for _, q in counts}, key=natural_order)
    largest = max((total[1] for total in counts.values()), default=1) or 1
    cells = {key: _Cell(pairs, some, 1 + int(4 * some / largest)) for key, (pairs, some) in counts.items()}
    return site.page_of(
        shown,
        rows=rows,
        columns=columns[:_MOST_COLUMNS],
        left_out=len(columns[_MOST_COLUMNS:]),
        cells=cells,
        groups=len(groups),
        unreachable=len(named) - len(groups),
        number=number,
        last=last,
        words=flask.request.args.get("q", ""),
    )


def pairs_page(site: Site, owner: str, collection: str) -> Page:
    """Return the pairs between two groups, ``p=`` and ``q=``: ``match.between_groups`` or ``match.within_group``."""
    shown = site.gateway.match_collection(collection, owner=owner)
    p, q = flask.request.args.get("pg", ""), flask.request.args.get("qg", "")
    if not p or not q:
        flask.abort(400, "the address needs pg= and qg=, the two groups")
    pairs = shown.pairs(within=p, points=False) if p == q else shown.pairs(between=(p, q), points=False)
    return site.page("catalogue/pairs.html", shown=shown, p=p, q=q, pairs=site.table("match_pair", pairs))


def pair_page(site: Site, owner: str, collection: str) -> Page:
    """
    Return the page of a pair: its matches drawn over both tiles, and their residuals in a stack.

    ``match.between_tiles`` and ``stack.list``; with ``stack=`` also ``tile.read`` twice, ``stack.read`` and
    ``transform.read`` per shared transform.
    """
    query = flask.request.args
    names = [query.get(name, "") for name in ("pg", "p", "qg", "q")]
    if not all(names):
        flask.abort(400, "the address needs pg=, p=, qg= and q=, the groups and ids of both tiles")
    frame = frame_of("raw")
    shown = site.gateway.match_collection(collection, owner=owner, frame=frame)
    pair = shown.pair(names[1], names[3], p_group=names[0], q_group=names[2])
    stack = named_stack(site, query.get("stack", ""))
    count = len(pair.p)
    chosen = query.get("match", type=int)
    chosen = chosen if chosen is not None and 1 <= chosen <= count else None
    drawing, distances, problem = None, None, ""
    if stack is not None:
        try:
            tiles, is_turned = pair.tiles(stack), query.get("layout") == "rows"
            sides = tiles_side_by_side(site, stack, [[tile] for tile in tiles] if is_turned else [tiles], frame)
            drawing = Drawing(sides, lines_between(sides[0], sides[1], pair.p, pair.q))
            distances = pair.residuals(stack)
        except RenderGatewayError as error:
            problem = RenderGatewayError.__str__(error)
    known = [None] * count if distances is None else distances.tolist()
    columns = (pair.p.tolist(), pair.q.tolist(), pair.weights.tolist(), known)
    points = [(number, *row) for number, row in enumerate(zip(*columns, strict=True), 1)]
    return site.page_of(
        pair,
        collection=shown,
        stack=stack,
        stack_name="" if stack is None else full_name(stack),
        stacks=[full_name(one) for one in site.gateway.owner(owner).stacks()],
        frame=frame,
        frames=FRAMES,
        points=points,
        chosen=chosen,
        count=count,
        drawing=drawing,
        distances=None if distances is None or not len(distances) else _Summary.of(distances),
        problem=problem,
        as_points=query.get("as") == "points",
        is_turned=query.get("layout") == "rows",
    )


@attrs.frozen
class _Summary:
    """Statistics of residuals, in pixels."""

    mean: float
    median: float
    rms: float
    largest: float

    @classmethod
    def of(cls, distances: Any) -> _Summary:
        rms = float(np.sqrt(np.mean(distances**2)))
        return cls(float(distances.mean()), float(np.median(distances)), rms, float(distances.max()))
