"""Threads sharing an unloaded object cause one request."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from rendergateway import Gateway, StackWrapper, TileWrapper

THREADS = 32

READINGS: dict[str, tuple[Callable[[StackWrapper], Callable[[], Any]], list[str]]] = {
    "stack": (lambda stack: lambda: stack.state, ["stack.read"]),
    "tile": (lambda stack: (tile := stack.tile("t1_0"), lambda: tile.width)[1], ["tile.read"]),
    "sections": (lambda stack: (found := stack.sections(), lambda: len(found))[1], ["stack.z_values"]),
    "tiles": (lambda stack: (found := stack.section(1).tiles(), lambda: found[0].z)[1], ["section.resolved_tiles"]),
    "tiles, each thread asking anew": (
        lambda stack: (section := stack.section(1), lambda: len(section.tiles()))[1],
        ["section.resolved_tiles"],
    ),
    "chosen tiles": (
        lambda stack: (found := stack.section(1).tiles().filter(image_col=0), lambda: found.ids)[1],
        ["section.resolved_tiles"],
    ),
    "section facts": (lambda stack: (s := stack.section(1), lambda: s.bounds)[1], ["stack.read", "stack.section_data"]),
    "resolved transforms": (
        lambda stack: (tile := stack.tile("t1_0"), lambda: tile.resolved_transforms)[1],
        ["tile.read", "transform.read"],
    ),
    "section by its id": (lambda stack: lambda: stack.section(section_id="2.0"), ["section_id.z"]),
}


def together(work: Callable[[], Any]) -> list[Any]:
    """Do *work* in many threads that start at the same moment."""
    start = threading.Barrier(THREADS)

    def run(_: int) -> Any:
        start.wait()
        return work()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


@pytest.mark.parametrize("name", READINGS)
def test_threads__one_request(name: str, stack: StackWrapper, gateway: Gateway) -> None:
    """However many threads read an object at once, it is asked for once and all see the same."""
    prepare, expected = READINGS[name]
    gateway.objects.wrote(stack._key._asdict())
    work = prepare(gateway.stack("montage"))

    with gateway.counting() as requests:
        found = together(work)

    assert requests == expected
    assert all(one == found[0] for one in found)


def test_threads__one_object(stack: StackWrapper, gateway: Gateway) -> None:
    """All threads get the same object for one name, also while dead ones are swept out."""
    for number in range(200):
        found = together(lambda: stack.tile(f"new{number}"))  # noqa: B023
        assert len({id(tile) for tile in found}) == 1


def test_threads__writes_between(stack: StackWrapper, gateway: Gateway) -> None:
    """Concurrent reads never return data older than a write that finished before the read began."""
    stop, wrong = threading.Event(), list[float]()
    written = [100.0]
    record = stack.tile("t1_0")._obj

    def read() -> None:
        while not stop.is_set():
            before = written[-1]
            width = stack.tile("t1_0").width or 0.0
            if width < before:
                wrong.append(width)

    with stack.editing() as edit, ThreadPoolExecutor(4) as pool:
        reading = [pool.submit(read) for _ in range(4)]
        for width in range(101, 131):
            edit.put([record.evolve(width=float(width))])
            written.append(float(width))
        stop.set()
        for future in reading:
            future.result()

    assert wrong == []


def test_living_objects__memory_stays_flat(stack: StackWrapper, gateway: Gateway) -> None:
    """Freed objects leave no traces, however many."""
    for number in range(20_000):
        stack.tile(f"t{number}")

    assert len(gateway.objects._live[TileWrapper]) < 10_000
    assert sum(1 for _ in gateway.objects.live_objects()) < 10


def test_identity__whoever_comes_first(stack: StackWrapper, gateway: Gateway) -> None:
    """If two threads wrap an object concurrently, both get the first wrapper."""
    first: list[TileWrapper] = []

    class Slow(TileWrapper):
        def __prepare__(self, **extra: object) -> None:
            if not first:
                first.append(self)
                first[0] = stack.tile("t1_0")

    gateway.register(Slow)

    assert stack.tile("t1_0") is first[0]
    first.clear()
    assert stack.section(1).tiles()[1] is stack.tile("t1_1")
