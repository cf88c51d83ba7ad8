"""Owners, stacks, sections, tiles and matches as a tree of lines: for a terminal, a pipe or a program."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from rendergateway.display import plural
from rendergateway.geometry import Bounds
from rendergateway.transforms import LeafTransform, Transform, TransformReference, UnknownTransform
from rendergateway.visible_text import visible

if TYPE_CHECKING:
    from rich.tree import Tree

    from rendergateway.wrappers import SectionWrapper, StackWrapper, TileWrapper

__all__ = ["Branch", "box_words", "first_of", "stack_branch", "stack_line", "timed"]

_SHOWN_WORDS = 30


@attrs.define
class Branch:
    """
    A node of the tree: one line, and its children.

    Attributes
    ----------
    kind, name : str
        Kind and name of the object.
    words : str
        Its properties, for display.
    values : dict
        Its properties, for JSON.
    below : list of Branch
        The children that are shown.
    seconds : float or None
        Time to read it, including its children.
    """

    kind: str
    name: str
    words: str = ""
    values: dict[str, Any] = attrs.field(factory=dict)
    below: list[Branch] = attrs.field(factory=list)
    seconds: float | None = None

    def as_tree(self) -> Tree:
        """Return the branch as a tree of rich."""
        from rich.tree import Tree

        tree = Tree(self._line())
        for branch in self.below:
            tree.children.append(branch.as_tree())
        return tree

    def _line(self) -> Any:
        from rich.text import Text

        line = Text.assemble((f"{self.kind} " if self.kind else "", "dim"), (visible(self.name), "bold"))
        if self.words:
            line.append(f"  {visible(self.words)}")
        if self.seconds is not None:
            line.append(f"  {1000 * self.seconds:.0f} ms", "dim")
        return line

    def as_values(self) -> dict[str, Any]:
        """Return the branch for JSON: children are listed under the plural of their kind."""
        values: dict[str, Any] = {self.kind: self.name, **self.values}
        for branch in self.below:
            if branch.kind:
                values.setdefault(f"{branch.kind}s".replace(" ", "_"), []).append(branch.as_values())
        return values


def timed(build: Callable[[], Branch]) -> Branch:
    """Return the result of *build*, with the time it took."""
    started = time.perf_counter()
    branch = build()
    branch.seconds = time.perf_counter() - started
    return branch


def first_of(found: Sequence[Any], count: int, kind: str, build: Callable[[Any], Branch]) -> list[Branch]:
    """Return a branch for each of the first *count* objects, and a line with the number of the others."""
    branches = [build(one) for one in found[:count]]
    more = len(found) - len(branches)
    if more > 0:
        branches.append(Branch("", f"… {plural(more, f'more {kind}')}"))
    return branches


def box_words(box: Bounds | None) -> str:
    """Return a box for display: the ranges of x and y."""
    if box is None:
        return "no box"
    return f"x {box.min_x:g}…{box.max_x:g}, y {box.min_y:g}…{box.max_y:g}"


def stack_line(stack: StackWrapper) -> Branch:
    """Return a stack with its metadata, without children."""
    resolution = [value for value in stack.resolution_nm if value is not None]
    words = [stack.state]
    if stack.tile_count is not None:
        words += [plural(stack.section_count or 0, "section"), plural(stack.tile_count, "tile")]
    if resolution:
        words.append(f"{' × '.join(f'{value:g}' for value in resolution)} nm")
    values = {
        "state": stack.state,
        "resolution_nm": resolution or None,
        "section_count": stack.section_count,
        "tile_count": stack.tile_count,
        "bounds": _box_values(stack.bounds),
    }
    return Branch("stack", stack.name, ", ".join(words), values)


def stack_branch(stack: StackWrapper, *, sections: int, tiles: int, with_times: bool = False) -> Branch:
    """
    Return a stack with its sections, tiles and transforms.

    Parameters
    ----------
    sections, tiles : int
        Number of sections shown, and of tiles per section.
    with_times : bool
        Whether to measure the time to read it.
    """
    clock = timed if with_times else _untimed

    def of_section(section: SectionWrapper) -> Branch:
        return clock(lambda: _section_branch(section, tiles))

    branch = stack_line(stack)
    if stack.bounds is not None:
        branch.below.append(Branch("", f"bounds {box_words(stack.bounds)}"))
    branch.below += first_of(stack.sections(), sections, "section", of_section)
    return branch


def _untimed(build: Callable[[], Branch]) -> Branch:
    return build()


def _section_branch(section: SectionWrapper, tiles: int) -> Branch:
    box, ids = section.bounds, section.section_ids
    words = [plural(section.tile_count, "tile"), box_words(box)]
    if ids and ids != [section.name]:
        words.append(f"section id {', '.join(ids)}")
    values = {"z": section.z, "section_ids": ids, "tile_count": section.tile_count, "bounds": _box_values(box)}
    below = first_of(section.tiles(), tiles, "tile", _tile_branch) if tiles else []
    return Branch("section", section.name, ", ".join(words), values, below)


def _tile_branch(tile: TileWrapper) -> Branch:
    layout = tile.layout
    words = [_size_words(tile), box_words(tile.bounds)]
    if layout.image_row is not None and layout.image_col is not None:
        words.append(f"row {layout.image_row}, column {layout.image_col}")
    transforms = [_transform_branch(transform, tile) for transform in tile.transforms]
    values = {
        "width": tile.width,
        "height": tile.height,
        "bounds": _box_values(tile.bounds),
        "layout": layout.to_dict(),
        "image_url": tile.image_url,
    }
    return Branch("tile", tile.tile_id, ", ".join(filter(None, words)), values, transforms)


def _size_words(tile: TileWrapper) -> str:
    return f"{tile.width:g} × {tile.height:g}" if tile.width is not None and tile.height is not None else ""


def _transform_branch(transform: Transform, tile: TileWrapper) -> Branch:
    values = transform.to_spec()
    if isinstance(transform, TransformReference):
        named = tile.stack.shared_transforms[transform.ref_id]
        return Branch("transform", transform.ref_id, f"shared, {_class_name(named)}", values)
    return Branch("transform", _class_name(transform), _transform_words(transform), values)


def _transform_words(transform: Transform) -> str:
    if isinstance(transform, LeafTransform) and transform.is_affine:
        x, y = transform.apply([0.0, 0.0])
        return f"moves (0, 0) to ({x:.1f}, {y:.1f})"
    words = transform.data_string if isinstance(transform, LeafTransform | UnknownTransform) else None
    return textwrap.shorten(words or "", _SHOWN_WORDS, placeholder=" …")


def _class_name(transform: Transform) -> str:
    if isinstance(transform, UnknownTransform):
        return transform.class_name.rpartition(".")[2]
    return type(transform).__name__


def _box_values(box: Bounds | None) -> Iterable[float] | None:
    return None if box is None else list(box)
