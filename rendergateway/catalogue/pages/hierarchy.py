"""The tiers of a hierarchical alignment: split stacks as boxes over their parent, with alignment quality."""

from __future__ import annotations

import re
from typing import Any

import attrs

from rendergateway.catalogue.pages.places import is_placed
from rendergateway.catalogue.site import Page, Site
from rendergateway.errors import BadRequestError, ConfigurationError, NotFoundError, RecordError
from rendergateway.extras import needed_for
from rendergateway.geometry import Bounds
from rendergateway.model.records.stacks import BoundsRecord

with needed_for("the catalogue"):
    import flask

__all__ = ["hierarchy_page"]

_TIER_PROJECT = re.compile(r"(.+)_tier_\d+")
# For more tiles of the parent, outlines would hide the boxes.
_MOST_OUTLINES = 5000


@attrs.frozen(eq=False)
class Split:
    """A split stack: its hierarchical data as stored, its box in its parent, and its layers without matches."""

    stack: Any
    data: dict[str, Any]
    box: Bounds | None
    missing_z: list[float] | None

    @property
    def tier(self) -> int | None:
        """The tier, from 1."""
        tier: int | None = self.data.get("tier")
        return tier

    @property
    def quality(self) -> float | None:
        """The quality that its alignment stored."""
        quality: float | None = self.data.get("alignmentQuality")
        return quality

    @property
    def place(self) -> str:
        """Row and column in the tier."""
        row, column = self.data.get("tierRow"), self.data.get("tierColumn")
        return "–" if row is None or column is None else f"{row}, {column}"

    @property
    def order(self) -> tuple[int, int]:
        """A sort key: row, then column."""
        return self.data.get("tierRow") or 0, self.data.get("tierColumn") or 0

    def is_above(self, threshold: float | None) -> bool:
        """Whether the quality is above a threshold."""
        return threshold is not None and self.quality is not None and self.quality > threshold


def hierarchy_page(site: Site, owner: str, project: str) -> Page:
    """
    Return the page of the tiers of a project, or of one: ``tier=``.

    ``project.stacks``, ``project.list`` and ``hierarchy.project_missing_layers``; of the parent stack ``stack.read``,
    ``stack.z_values``, and ``section.tile_bounds`` unless its picture is shown; for a chosen stack, ``split=``,
    ``match.multi_consensus_group_ids``.
    """
    query = flask.request.args
    shown = site.gateway.project(project, owner=owner)
    found = [(stack, stack.load()._obj.hierarchical_data) for stack in shown.stacks()]
    missing = _missing_layers(site, owner, project) if any(data for _, data in found) else {}
    splits = [
        Split(stack, data, _box_of(data), None if missing is None else missing.get(stack.name, []))
        for stack, data in found
        if data is not None
    ]
    tiers = sorted({split.tier for split in splits if split.tier is not None})
    tier = query.get("tier", type=int)
    tier = tier if tier in tiers else next(iter(tiers), None)
    splits = sorted((split for split in splits if split.tier == tier), key=lambda split: split.order)
    parent = _named(site, splits[0].data.get("parentTierStackId")) if splits else None
    chosen = next((split for split in splits if split.stack.name == query.get("split")), None)
    base = _TIER_PROJECT.fullmatch(project)
    family = project if base is None else base[1]
    return site.page(
        "catalogue/hierarchy.html",
        shown=shown,
        tiers=tiers,
        tier=tier,
        splits=splits,
        chosen=chosen,
        consensus=None if chosen is None else _consensus(site, chosen),
        threshold=query.get("threshold", type=float),
        related=[
            one
            for one in shown.owner.projects()
            if one.name != project and (one.name == family or one.name.startswith(f"{family}_tier_"))
        ],
        site_stack=lambda name: _named(site, name),
        site_collection=lambda name: _collection(site, name),
        catmaid=lambda stack: _catmaid(site, stack),
        **_parent(site, parent, splits),
    )


def _missing_layers(site: Site, owner: str, project: str) -> dict[str, list[float]] | None:
    """Return the layers without matches per stack; None if the service cannot read one of the collections."""
    try:
        found = site.gateway.call("hierarchy.project_missing_layers", owner=owner, project=project)
    except (NotFoundError, BadRequestError):
        return None
    return {one["stackId"]["stack"]: one["zValues"] for one in found}


def _box_of(data: dict[str, Any]) -> Bounds | None:
    sides = data.get("fullScaleBounds")
    if not isinstance(sides, dict):
        return None
    box = BoundsRecord(**{name: sides.get(key) for name, key in _SIDES}).bounds
    return None if box is None else Bounds(*map(float, box[:4]))


_SIDES = (("min_x", "minX"), ("min_y", "minY"), ("max_x", "maxX"), ("max_y", "maxY"))


def _named(site: Site, name: Any) -> Any:
    """Return the stack of a stored stack id; None for a part of one."""
    values = _texts(name, "owner", "project", "stack")
    return None if values is None else site.gateway.stack(values[2], owner=values[0], project=values[1])


def _collection(site: Site, name: Any) -> Any:
    values = _texts(name, "owner", "name")
    return None if values is None else site.gateway.match_collection(values[1], owner=values[0])


def _texts(name: Any, *parts: str) -> list[str] | None:
    values = [name.get(part) for part in parts] if isinstance(name, dict) else []
    texts = [value for value in values if isinstance(value, str) and value]
    return texts if len(texts) == len(parts) else None


def _catmaid(site: Site, stack: Any) -> str | None:
    """Return the address of a stack in CATMAID, if there is one: ``stack.read``."""
    host = site.host_of("catmaid")
    if host is None or stack is None:
        return None
    try:
        url: str = stack.link("catmaid", host=host)
    except (ConfigurationError, RecordError, NotFoundError):
        return None
    return url


def _consensus(site: Site, split: Split) -> list[str] | None:
    """Return the groups of a split stack with several consensus sets; None if its collection cannot be read."""
    collection = _collection(site, split.data.get("matchCollectionId"))
    if collection is None:
        return None
    try:
        found: list[str] = site.gateway.call("match.multi_consensus_group_ids", **collection._key._asdict())
    except (NotFoundError, BadRequestError):
        return None
    return found


def _parent(site: Site, parent: Any, splits: list[Split]) -> dict[str, Any]:
    """Return the section of the parent stack, its outlines, and the box of the drawing."""
    boxes = [split.box for split in splits if split.box is not None]
    section, sections, outlines, version, problem = None, [], [], "", ""
    as_picture = flask.request.args.get("as") == "picture"
    try:
        if parent is not None:
            sections = list(parent.sections())
            version = site.version_of(parent)
    except NotFoundError as error:
        problem = str(error)
    if parent is not None and sections:
        z = flask.request.args.get("z", type=float)
        section = next((one for one in sections if one.z == z), sections[0])
        if parent.bounds is not None:
            boxes.append(parent.bounds)
        if not as_picture:
            bounds = site.gateway.call("section.tile_bounds", **section._key._asdict())
            outlines = [tile for tile in bounds[:_MOST_OUTLINES] if is_placed(tile)]
    drawn = None
    if boxes:
        columns = list(zip(*(box[:4] for box in boxes), strict=True))
        drawn = Bounds(min(columns[0]), min(columns[1]), max(columns[2]), max(columns[3]))
    return {
        "parent": parent,
        "section": section,
        "sections": sections,
        "following": None if section is None else next(iter(sections[sections.index(section) + 1 :]), None),
        "outlines": outlines,
        "as_picture": as_picture,
        "version": version,
        "problem": problem,
        "drawn": drawn,
    }
