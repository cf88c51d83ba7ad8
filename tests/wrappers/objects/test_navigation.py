"""Navigation between objects: requests and results."""

from __future__ import annotations

import numpy as np
import pytest

from rendergateway import (
    Bounds,
    ConfigurationError,
    Gateway,
    MultipleFoundError,
    NotFoundError,
    StackWrapper,
)


def test_naming__costs_nothing(gateway: Gateway) -> None:
    """Objects are named, compared, shown and hashed without a request."""
    with gateway.counting() as requests:
        stack = gateway.stack("montage")
        tile = stack.section(3).tiles()
        assert stack == gateway.stack("lab/cortex/montage")
        assert stack is gateway.stack("montage", owner="lab")
        assert len({stack, gateway.stack("other"), gateway.stack("cortex/montage")}) == 2
        assert repr(stack) == "<StackWrapper lab/cortex/montage>"
        assert "not loaded" in repr(tile)
        assert "sections" in dir(stack)

    assert requests == []


def test_listing_tiles_costs_one_request(stack: StackWrapper, gateway: Gateway) -> None:
    """A section's tiles come from one listing, with all that they hold."""
    section = stack.section(z=1)

    with gateway.counting() as requests:
        tiles = list(section.tiles())
        facts = [(tile.tile_id, tile.bounds, tile.layout.section_id, tile.image_url) for tile in tiles]

    assert requests == ["section.resolved_tiles"]
    assert all(tile.is_loaded for tile in tiles)
    assert facts == [
        ("t1_0", Bounds(1, 2, 101, 82), "1.0", "file:/images/t1_0.png"),
        ("t1_1", Bounds(91, 2, 191, 82), "1.0", "file:/images/t1_1.png"),
    ]


def test_walking_down_and_up(stack: StackWrapper, gateway: Gateway) -> None:
    """Each object leads to its children with one request, and back up without any."""
    with gateway.counting() as requests:
        owner = gateway.owners()[0]
        project = owner.projects()[0]
        found = project.stacks()[0]
        section = found.sections()[0]
        tile = section.tiles()[0]
    with gateway.counting() as upward:
        assert tile.ancestry() == [section, stack, project, owner]
        assert tile.section is section
        assert section.stack is stack is found

    assert requests == ["owner.list", "project.list", "project.stacks", "stack.z_values", "section.resolved_tiles"]
    assert upward == []


def test_section__facts_of_all_sections_cost_two_requests(stack: StackWrapper, gateway: Gateway) -> None:
    """Ids, counts and boxes of every section come from the stack's state and one listing of rows."""
    with gateway.counting() as requests:
        rows = [(s.z, s.section_ids, s.tile_count, s.bounds) for s in stack.sections()]

    assert requests == ["stack.z_values", "stack.read", "stack.section_data"]
    assert rows == [(z, [f"{z}"], 2, Bounds(1, 2, 191, 82)) for z in (1.0, 2.0, 3.0)]


def test_section__facts_while_loading(stack: StackWrapper, gateway: Gateway) -> None:
    """While the stack is LOADING the rows of the last COMPLETE are old, so each section asks for its own."""
    stack.set_state("LOADING")
    stack.section(1).delete()
    stack.load()
    section = stack.sections()[0]

    with gateway.counting() as requests:
        assert (section.z, section.tile_count) == (2.0, 2)

    assert requests == ["section.section_data"]
    assert stack.bounds is None
    assert stack.tile_count is None


def test_section__tiles_without_section_id(gateway: Gateway) -> None:
    """A layer whose tiles have no section id is counted as well."""
    from rendergateway import TileRecord

    stack = gateway.create_stack("bare")
    with stack.editing() as edit:
        edit.put([TileRecord(tile_id="a", z=0, width=10, height=10, transforms=[])])

    section = stack.sections()[0]

    assert (section.section_ids, section.tile_count, section.bounds) == ([], 1, Bounds(0, 0, 10, 10))


def test_section__neighbours(stack: StackWrapper) -> None:
    """Next and previous follow the stack's z values."""
    first, second, third = stack.sections()

    assert (first.next, second.next, third.next) == (second, third, None)
    assert (first.previous, third.previous) == (None, second)
    with pytest.raises(NotFoundError):
        _ = stack.section(7).next


def test_tiles__empty_layer_and_missing_stack(stack: StackWrapper, gateway: Gateway) -> None:
    """An empty layer has no tiles; a stack that does not exist is an error."""
    assert len(stack.section(99).tiles()) == 0
    with pytest.raises(NotFoundError, match="does not exist"):
        len(gateway.stack("nope").section(1).tiles())


def test_missing__says_what_the_service_says(stack: StackWrapper, gateway: Gateway) -> None:
    """Unknown stack and tile are NotFoundError, the service's message first."""
    with pytest.raises(NotFoundError, match=r"^stack with owner 'lab', project 'cortex', and name 'nope' does not"):
        gateway.stack("nope").load()
    with pytest.raises(NotFoundError, match=r"^tile spec with id 'x' does not exist"):
        _ = stack.tile("x").bounds
    assert not gateway.stack("nope").exists
    assert gateway.get_object("Stack", "nope") is None
    assert gateway.get_object("stack", "montage") == stack


def test_tile__loads_by_itself(stack: StackWrapper, gateway: Gateway) -> None:
    """A tile that comes from no listing loads once, and its shared transforms when they are needed."""
    with gateway.counting() as requests:
        tile = stack.tile("t2_1")
        assert (tile.z, tile.width) == (2.0, 100)
        world = tile.world_from_local([[0, 0], [10, 20]])
        tile.world_from_local([5, 5])

    np.testing.assert_allclose(world, [[91, 2], [101, 22]])  # world pixels
    assert requests == ["tile.read", "transform.read"]


def test_tile__transforms_stored_and_resolved(stack: StackWrapper, gateway: Gateway) -> None:
    """References are kept as stored and resolved on demand, without another request."""
    tile = stack.sections()[0].tiles()[0]

    with gateway.counting() as requests:
        stored = [type(transform).__name__ for transform in tile.transforms]
        resolved = [type(transform).__name__ for transform in tile.resolved_transforms]

    assert stored == ["TransformReference", "AffineModel2D"]
    assert resolved == ["PolynomialTransform2D", "AffineModel2D"]
    assert requests == []


def test_collection__a_sequence(stack: StackWrapper) -> None:
    """A collection is indexed, sliced and searched like a list."""
    sections = stack.sections()

    assert [section.z for section in sections[1:]] == [2.0, 3.0]
    assert sections[-1].z == 3.0
    assert sections[0] in sections
    assert 2.0 in sections
    assert stack.section(9) not in sections
    assert sections.get(3.0).z == 3.0
    assert sections.first == sections[0]
    assert next(reversed(sections)).z == 3.0
    with pytest.raises(IndexError):
        _ = sections[3]
    with pytest.raises(NotFoundError, match="sections of stack montage"):
        sections.get(9.0)
    with pytest.raises(MultipleFoundError, match=r"expected one object, found 3 sections of stack montage"):
        sections.one()
    assert sections[:1].one().z == 1.0
    with pytest.raises(NotFoundError):
        sections[:0].one()
    assert sections[:0].first is None


def test_names__missing_owner() -> None:
    """A name without an owner raises an error that names the remedy."""
    with pytest.raises(ConfigurationError, match="no owner given and no default owner; pass owner="):
        Gateway("localhost:1").stack("montage")
    with pytest.raises(ConfigurationError, match="owner/"):
        Gateway("localhost:1", owner="o", project="p").stack("a/b/c/d")
