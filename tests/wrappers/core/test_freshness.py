"""Identity, freshness and threads."""

from __future__ import annotations

import gc
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rendergateway import ConfigurationError, Gateway, MatchCollectionWrapper, StackWrapper, TileRecord, TileWrapper
from rendergateway.transforms import AffineModel2D
from rendergateway.wrappers.core.keys import scope_of
from tests.wrappers.freshness.world import OBJECTS


def test_identity__same_object_while_it_lives(stack: StackWrapper) -> None:
    """However one gets to an object, it is the same one."""
    tile = stack.sections()[0].tiles()[0]

    assert stack.tile("t1_0") is tile
    assert stack.section(1.0).tiles().get("t1_0") is tile


def test_identity__goes_when_nobody_holds_it(stack: StackWrapper, gateway: Gateway) -> None:
    """Unreferenced objects are freed."""
    stack.tile("t1_0").load()
    gc.collect()

    assert not any(isinstance(wrapper, TileWrapper) for wrapper in gateway.objects.live_objects())


def test_identity__servers_differ() -> None:
    """The same name on another server is another object."""
    one, other = (Gateway(f"localhost:{port}", owner="o", project="p") for port in (1, 2))

    assert one.stack("s") != other.stack("s")
    assert one.stack("s") == Gateway("localhost:1", owner="o", project="p").stack("s")
    assert one.stack("s") != one.stack("s").section(1)


def test_identity__private_services_differ(gateway: Gateway, stack: StackWrapper) -> None:
    """Two private services have one address and nothing else in common."""
    with Gateway("embedded:", owner="lab", project="cortex") as other:
        copied = stack.copy_to("montage", gateway=other)
        assert copied != stack
        assert gateway.using(project="cortex").stack("montage") == stack
        with copied.editing() as edit:
            edit.delete(sections=(1, 2))
            assert edit.apply(AffineModel2D(), source=stack, sections=1) == 2

        assert copied.tiles().ids == ["t1_0", "t1_1", "t3_0", "t3_1"]


def test_write__what_was_read_before_is_read_again(stack: StackWrapper, gateway: Gateway) -> None:
    """After a write through this gateway, stack, sections and tiles show it when next read."""
    sections, tiles = stack.sections(), stack.section(1).tiles()
    tile = tiles[0]
    assert (stack.state, len(sections), tile.width) == ("COMPLETE", 3, 100)

    with stack.editing() as edit:
        edit.put([tile._obj.evolve(width=64), tile._obj.evolve(tile_id="new", z=9)])

    assert tile.width == 64
    assert [section.z for section in sections] == [1.0, 2.0, 3.0, 9.0]
    assert tiles.get("t1_0") is tile
    assert stack.tile_count == 7


def test_write__by_others_shows_after_reload(tmp_path: Path) -> None:
    """Writes of another gateway appear only after reload."""
    ours = Gateway(f"embedded:{tmp_path / 'render.db'}", owner="lab", project="cortex")
    other = Gateway(f"embedded:{tmp_path / 'render.db'}", owner="lab", project="cortex")
    stack = ours.create_stack("s")
    with stack.editing() as edit:
        edit.put([TileRecord(tile_id=f"t{z}", z=z, width=10, height=10, transforms=[]) for z in range(3)])
    sections = stack.sections()
    assert (len(sections), stack.state) == (3, "COMPLETE")

    other.stack("s").set_state("LOADING")
    other.stack("s").section(2).delete()

    assert (len(sections), stack.state) == (3, "COMPLETE")
    assert len(sections.reload()) == 2
    stack.reload()
    assert stack.state == "LOADING"
    for gateway in (ours, other):
        gateway.close()


@pytest.mark.parametrize("kind", [kind for kind in OBJECTS if kind not in ("gateway", "merged matches", "merged pair")])
def test_scope__is_a_stack_or_a_collection(kind: str) -> None:
    """Epochs are few: one per stack, match collection, project and owner, however many objects they have."""
    key = OBJECTS[kind](Gateway("localhost:1", owner="lab", project="cortex"))._key

    assert scope_of(key) == tuple(key)[: 2 if "match" in kind else 3]


def test_reload__later_listing_counts(stack: StackWrapper) -> None:
    """A live tile takes the record of a later listing, and keeps its own over an older one."""
    tiles = stack.section(1).tiles()
    tile = tiles[0]
    first = tile._obj

    others = stack.tiles(z=(1, 2)).load()
    assert others[0]._obj is not first
    later = tile._obj
    assert tiles[0]._obj is later
    tiles.reload()
    assert tiles[0]._obj is not later


def test_loading__keeps_what_was_listed(stack: StackWrapper, gateway: Gateway) -> None:
    """Loading an object's own facts does not forget its children; reloading it does."""
    fresh = gateway.stack("montage")

    with gateway.counting() as requests:
        assert len(fresh.sections()) == 3
        assert fresh.state == "COMPLETE"
        assert len(fresh.sections()) == 3
    assert requests.count("stack.z_values") == 1

    fresh.reload()
    with gateway.counting() as again:
        assert len(fresh.sections()) == 3
    assert again == ["stack.z_values"]


def test_loading__once_for_many_threads(stack: StackWrapper, gateway: Gateway) -> None:
    """However many threads ask at once, an object loads once."""
    tile = stack.tile("t1_0")
    start = threading.Barrier(8)

    def read(_: int) -> float | None:
        start.wait()
        return tile.width

    with gateway.counting() as requests, ThreadPoolExecutor(8) as pool:
        assert list(pool.map(read, range(8))) == [100.0] * 8

    assert requests == ["tile.read"]


def test_loading__collection_once_for_many_threads(stack: StackWrapper, gateway: Gateway) -> None:
    """A collection makes its requests once, too."""
    sections = stack.sections()

    with gateway.counting() as requests, ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: len(sections), range(8))) == [3] * 8

    assert requests == ["stack.z_values"]


def test_pickle__travels_with_what_it_holds(tmp_path: Path) -> None:
    """A pickled wrapper holds no credentials, and comes back to the gateway that it came from."""
    with Gateway(f"embedded:{tmp_path / 'render.db'}", owner="lab", project="cortex", auth=("me", "secret")) as gateway:
        stack = gateway.create_stack("s")
        with stack.editing() as edit:
            edit.put([TileRecord(tile_id="a", z=0, width=10, height=10, transforms=[])])
        tile = stack.sections()[0].tiles()[0]

        data = pickle.dumps([tile, stack.section(0)])
        there, section = pickle.loads(data)

        assert b"secret" not in data
        # In this process the gateway is here; tests/transport/test_processes.py looks at others.
        assert there is tile
        assert there.stack._conn is section._conn is gateway


def test_pickle__private_service_does_not_travel(stack: StackWrapper) -> None:
    """Pickling an object of a private embedded service is an error."""
    with pytest.raises(ConfigurationError, match="embedded:PATH"):
        pickle.dumps(stack)


def test_match_write__pairs_are_read_again(matches: MatchCollectionWrapper) -> None:
    """After new matches, a collection of pairs that was read shows them."""
    pairs = matches.pairs(within="1.0")
    assert len(pairs) == 1

    matches.put([pairs[0]._obj.evolve(q_id="t1_9")])

    assert [pair.q_id for pair in pairs] == ["t1_1", "t1_9"]
    assert matches.pair_count == 3
