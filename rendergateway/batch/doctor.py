"""Diagnosis of a service and a stack: what does not work or does not fit, and the remedy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.batch.stack_summary import missing_z, range_words, tables_of
from rendergateway.display import plural
from rendergateway.errors import (
    ImageError,
    MissingExtraError,
    NotFoundError,
    RenderGatewayError,
    RequestError,
)
from rendergateway.extras import EXTRAS, require
from rendergateway.geometry import FloatArray
from rendergateway.local_files import file_path
from rendergateway.model.tile_text.boxes import wrong_boxes
from rendergateway.progress import Progress, tracking
from rendergateway.wrappers import MatchCollectionWrapper, StackWrapper
from rendergateway.wrappers.images.view import image_opener

if TYPE_CHECKING:
    from rendergateway.gateway import Gateway
    from rendergateway.model.tables.resolved import ResolvedTiles
    from rendergateway.model.tables.tile_table import TileTable

__all__ = ["IMAGE_CHECKS", "Finding", "diagnose_service", "diagnose_stack"]

IMAGE_CHECKS = ("none", "exist", "read")
_SHOWN = 5
_TOLERANCE_PX = 1.0


@attrs.frozen
class Finding:
    """
    The result of one check.

    Attributes
    ----------
    check : str
        Subject: service, images, boxes, …
    level : {'ok', 'note', 'problem'}
        A problem makes some calls fail, or results wrong.
    text : str
        The result, with the remedy of a problem.
    items : tuple of str
        Tiles, files or sections concerned, all of them.
    """

    check: str
    level: str
    text: str
    items: tuple[str, ...] = ()


def diagnose_service(gateway: Gateway) -> list[Finding]:
    """
    Check whether a service is reachable, its version and limits, and the libraries of this installation.

    Parameters
    ----------
    gateway : Gateway
        A gateway to the service.

    Returns
    -------
    list of Finding
        A service that is unreachable is a problem, not an error.

    Notes
    -----
    ``service.version``, ``service.properties`` and ``owner.list``.
    """
    findings = [_libraries()]
    try:
        version = gateway.version_info()
    except RequestError as error:
        return [*findings, Finding("service", "problem", f"{gateway.server} does not answer: {error}")]
    named = version.get("git.build.version") or version.get("git.commit.id.abbrev") or "unknown"
    program = version.get("service") or "render-ws"
    findings.append(Finding("service", "ok", f"{gateway.server} answers: {program}, version {named}"))
    findings.append(_limits(gateway))
    try:
        owners = gateway.owners().ids
    except RequestError as error:
        return [*findings, Finding("database", "problem", f"owners cannot be listed: {error}")]
    if gateway.default_owner is not None and gateway.default_owner not in owners:
        text = f"default owner {gateway.default_owner!r} has no stacks; owners are {', '.join(owners) or 'none yet'}"
        findings.append(Finding("database", "note", text))
    else:
        findings.append(Finding("database", "ok", plural(len(owners), "owner")))
    return findings


def _libraries() -> Finding:
    missing: dict[str, list[str]] = {}
    for library, extra in EXTRAS.items():
        try:
            require("this check", library)
        except MissingExtraError:
            missing.setdefault(extra, []).append(library)
    if not missing:
        return Finding("libraries", "ok", "all extras are installed")
    shown = "; ".join(f"{extra}: {', '.join(names)}" for extra, names in missing.items())
    command = f"pip install 'rendergateway[{','.join(missing)}]'"
    return Finding("libraries", "note", f"missing libraries of extras: {shown}; {command} installs them")


def _limits(gateway: Gateway) -> Finding:
    try:
        properties = gateway.call("service.properties").get("properties", {})
    except RequestError as error:
        return Finding("limits", "note", f"the service does not report its limits: {error}")
    limits = {name: value for name, value in properties.items() if name.startswith("webService.") and value}
    shown = ", ".join(f"{name.removeprefix('webService.')} {value}" for name, value in sorted(limits.items()))
    most = gateway.settings
    own = (
        f"time limits {most.timeout_s:g} s to connect, {most.data_timeout_s:g} s per piece, {most.budget_s:g} s in all"
    )
    return Finding("limits", "ok", f"{shown or 'none reported by the service'}; {own}")


def diagnose_stack(
    stack: StackWrapper,
    *,
    matches: MatchCollectionWrapper | None = None,
    images: str = "exist",
    progress: Progress = None,
) -> list[Finding]:
    """
    Check the tiles, sections, boxes and images of a stack, and the matches between its tiles.

    Parameters
    ----------
    stack : StackWrapper
        The stack.
    matches : MatchCollectionWrapper, optional
        Check which tiles it connects.
    images : {'exist', 'read', 'none'}
        Whether image files are looked up, decoded as by `StackWrapper.check_images`, or ignored. Files are looked up on
        this machine, at the paths that ``Gateway(image_paths=…)`` maps to.
    progress : bool or callable, optional
        Progress in tiles.

    Returns
    -------
    list of Finding
        One per check.

    Raises
    ------
    NotFoundError
        If the stack does not exist.

    Notes
    -----
    ``stack.read``, then as `StackWrapper.iter_tiles`; for *matches* as `PairReading.pairs` without points.
    """
    if images not in IMAGE_CHECKS:
        raise ValueError(f"images must be one of {', '.join(IMAGE_CHECKS)}: got {images!r}")
    stack.load()
    examined = _Examined(files=_file_check(stack) if images == "exist" else None)
    with tracking(progress, f"Checking tiles of {stack}", stack.tile_count) as report:
        for z, piece, table in tables_of(stack):
            examined.add(z, piece, table)
            report(len(examined.tiles))
    findings = [_state(stack), *examined.findings()]
    if images == "read":
        findings.append(_read_images(stack, progress))
    elif images == "exist":
        findings += examined.image_findings()
    if matches is not None:
        findings += _matches(matches, examined.tiles)
    return findings


def _state(stack: StackWrapper) -> Finding:
    if stack.state == "LOADING":
        text = "the stack is LOADING: it has no bounds and section ids; stack.set_state('COMPLETE') completes it"
        return Finding("state", "note", text)
    if stack.state == "OFFLINE":
        return Finding("state", "problem", "the stack is OFFLINE: its tiles are not in the database")
    return Finding("state", "ok", stack.state)


def _shown(items: Sequence[str]) -> str:
    return ", ".join(items[:_SHOWN]) + (", …" if len(items) > _SHOWN else "")


def _result(check: str, problems: Sequence[str], fine: str, what: str, remedy: str) -> Finding:
    if not problems:
        return Finding(check, "ok", fine)
    return Finding(check, "problem", f"{what}: {_shown(problems)}; {remedy}", tuple(problems))


@attrs.define
class _Examined:
    """The tiles of a stack, checked piece by piece."""

    files: Callable[[str], str] | None
    tiles: dict[str, float] = attrs.field(factory=dict)
    not_finite: list[str] = attrs.field(factory=list)
    wrong_boxes: list[str] = attrs.field(factory=list)
    without_image: list[str] = attrs.field(factory=list)
    without_section: list[str] = attrs.field(factory=list)
    missing: dict[str, list[str]] = attrs.field(factory=dict)
    folders: set[str] = attrs.field(factory=set)
    checked_files: int = 0

    def add(self, z: float, piece: ResolvedTiles, table: TileTable) -> None:
        ids = table.tile_id.tolist()
        self.tiles.update(dict.fromkeys(ids, z))
        affine, box = table.last_affine, table.box
        # Rows whose last transform is not affine are NaN in all six numbers, those of a diverged solve have a class.
        is_affine = np.array([str(name).endswith("AffineModel2D") for name in table.last_class], dtype=bool)
        bad = (is_affine & ~np.isfinite(affine).all(axis=(1, 2))) | (~np.isfinite(box).all(axis=1) & ~_absent(box))
        self.not_finite += [ids[row] for row in np.flatnonzero(bad)]
        for row in wrong_boxes(list(piece.tiles.values()), piece.shared(), _TOLERANCE_PX):
            self.wrong_boxes.append(f"{row[0]} ({row[3]})")
        for tile_id, url, mask, section in zip(ids, table.image_url, table.mask_url, table.section_id, strict=True):
            if url is None:
                self.without_image.append(tile_id)
            if section is None:
                self.without_section.append(tile_id)
            if self.files is not None:
                for one in filter(None, (url, mask)):
                    self.checked_files += 1
                    self.folders.add(one.rpartition("/")[0])
                    if problem := self.files(one):
                        self.missing.setdefault(problem, []).append(one)

    def findings(self) -> Iterator[Finding]:
        yield Finding("tiles", "ok" if self.tiles else "problem", plural(len(self.tiles), "tile"))
        z = sorted(set(self.tiles.values()))
        gaps = missing_z(z)
        if gaps:
            text = f"{plural(len(gaps), 'section')} missing between {z[0]:g} and {z[-1]:g}: {range_words(gaps)}"
            yield Finding("sections", "note", text, tuple(f"{place:g}" for place in gaps))
        elif z:
            yield Finding("sections", "ok", f"{plural(len(z), 'section')}, z {range_words(z)}")
        yield _result(
            "numbers", self.not_finite, "all boxes and affine transforms are finite",
            f"{plural(len(self.not_finite), 'tile')} with NaN or infinity", "solve again, or delete them",
        )  # fmt: skip
        yield _result(
            "boxes",
            self.wrong_boxes,
            f"all boxes fit their transforms within {_TOLERANCE_PX:g} px",
            f"{plural(len(self.wrong_boxes), 'tile')} with a missing or wrong box",
            "edit.put(tiles, boxes='service') corrects them",
        )
        if self.without_section:
            count = plural(len(self.without_section), "tile")
            text = f"{count} without section id: {_shown(self.without_section)}; matches are grouped by section ids"
            yield Finding("layout", "note", text, tuple(self.without_section))
        if self.without_image:
            text = f"{plural(len(self.without_image), 'tile')} without image URL: {_shown(self.without_image)}"
            yield Finding("images", "note", text, tuple(self.without_image))

    def image_findings(self) -> Iterator[Finding]:
        if not self.missing:
            folders = f"{plural(len(self.folders), 'folder')} ({_shown(sorted(self.folders))})"
            yield Finding("images", "ok", f"{plural(self.checked_files, 'file')} in {folders}, all on this machine")
        for problem, urls in self.missing.items():
            text = f"{len(urls)} of {plural(self.checked_files, 'file')} {problem}: {_shown(urls)}"
            lacking = sorted({url.rpartition("/")[0] for url in urls})
            remedy = f"; folders are {_shown(lacking)}; Gateway(image_paths=…) maps paths of another machine"
            yield Finding("images", "problem", text + remedy, tuple(urls))


def _absent(box: FloatArray) -> npt.NDArray[np.bool_]:
    """Whether all sides of a box are missing: it is reported as a box, not as a number."""
    return np.asarray(np.isnan(box).all(axis=1))


def _file_check(stack: StackWrapper) -> Callable[[str], str]:
    """Return a function from the URL of an image to its problem, empty if the file exists."""
    from rendergateway.rendering.images.locations import files_of, state_of

    opened = files_of(image_opener(stack._conn))

    def check(url: str) -> str:
        if url.startswith("mask:"):
            return ""
        if file_path(url) is None and not stack._conn.remote_images:
            return "not on this machine (remote images are not allowed)"
        try:
            source = opened(url.partition("?")[0])
            empty = not source if isinstance(source, bytes) else state_of(source).st_size == 0
        except ImageError:
            return "missing or unreadable"
        return "empty" if empty else ""

    return check


def _read_images(stack: StackWrapper, progress: Progress) -> Finding:
    table = stack.check_images(progress=progress)
    problems = [f"{row['tile_id']} level {row['level']} ({row['problem']})" for row in table]
    return _result(
        "images", problems, "all images and masks can be read", f"{plural(len(problems), 'image')} with problems",
        "correct the files or the tiles",
    )  # fmt: skip


def _matches(matches: MatchCollectionWrapper, tiles: dict[str, float]) -> Iterator[Finding]:
    try:
        pairs = [(p_id, q_id) for _, p_id, _, q_id in matches.pairs(points=False).ids]
    except NotFoundError as error:
        yield Finding("matches", "problem", RenderGatewayError.__str__(error))
        return
    inside = [(p, q) for p, q in pairs if p in tiles and q in tiles]
    text = f"{plural(len(pairs), 'pair')} in {matches.name}, {len(inside)} of them between tiles of the stack"
    yield Finding("matches", "ok" if inside else "problem", text)
    matched = {tile_id for pair in inside for tile_id in pair}
    alone = [tile_id for tile_id in tiles if tile_id not in matched]
    yield _result(
        "unmatched tiles", alone, "all tiles have matches", f"{plural(len(alone), 'tile')} without matches",
        "a solver cannot place them",
    )  # fmt: skip
    clusters = connected(matched, inside)
    if len(clusters) > 1:
        sizes = _shown([str(len(cluster)) for cluster in clusters])
        examples = tuple(min(cluster) for cluster in clusters)
        text = f"{len(clusters)} groups of tiles that no match connects, of {sizes} tiles, with {_shown(examples)}"
        yield Finding("clusters", "problem", f"{text}; their places relative to each other are undetermined", examples)
    elif clusters:
        yield Finding("clusters", "ok", "all matched tiles are connected")


def connected(tiles: Iterable[str], pairs: Iterable[tuple[str, str]]) -> list[set[str]]:
    """
    Return the groups of tiles that pairs connect, large ones first.

    Examples
    --------
    >>> [sorted(group) for group in connected("abcd", [("a", "b"), ("c", "b")])]
    [['a', 'b', 'c'], ['d']]
    """
    parent = {tile_id: tile_id for tile_id in tiles}

    def root(tile_id: str) -> str:
        while parent[tile_id] != tile_id:
            parent[tile_id] = tile_id = parent[parent[tile_id]]
        return tile_id

    for p, q in pairs:
        parent[root(p)] = root(q)
    groups: dict[str, set[str]] = {}
    for tile_id in parent:
        groups.setdefault(root(tile_id), set()).add(tile_id)
    return sorted(groups.values(), key=lambda group: (-len(group), min(group)))
