"""Writing into stacks."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from rendergateway import (
    BadRequestError,
    ConnectionFailedError,
    Gateway,
    RecordError,
    RenderGatewayError,
    ResolvedTiles,
    Retries,
    StackStateError,
    StackWrapper,
    StaleStackError,
    TileRecord,
    TileTable,
)
from rendergateway.transforms import AffineModel2D, TransformReference
from rendergateway.wrappers.core.epochs import Epochs
from rendergateway.wrappers.editing.edit import StackEdit
from tests.wrappers.editing.breaking import BreakingService, served


def bare(tile_id: str, **fields: Any) -> TileRecord:
    return TileRecord(tile_id=tile_id, z=1, width=100, height=80, transforms=[], **fields)


def test_editing__complete_at_the_end(gateway: Gateway) -> None:
    """The stack is LOADING inside the block and COMPLETE after it."""
    stack = gateway.create_stack("s", notes="acquired")
    assert (stack.state, stack.version.notes, stack.resolution_nm) == ("LOADING", "acquired", (None, None, None))

    with stack.editing() as edit:
        assert edit.put([bare("a")]) == 1
        assert stack.state == "LOADING"

    assert stack.state == "COMPLETE"


def test_editing__left_loading_after_an_error(stack: StackWrapper) -> None:
    """After an error the stack stays LOADING if anything was written, and a note reports it."""
    with pytest.raises(RecordError) as caught, stack.editing(batch=1) as edit:
        edit.put(iter([*boxed("a"), bare("b"), bare("b")]))

    assert stack.state == "LOADING"
    assert notes_of(caught) == ["stack montage was left LOADING; the 2 tiles put before this error are stored"]


NOTHING_WRITTEN: dict[str, Callable[[StackWrapper, StackEdit], object]] = {
    "wrong way": lambda stack, edit: edit.apply(AffineModel2D(), how="replac_last"),
    "wrong boxes": lambda stack, edit: edit.put([bare("a")], boxes="here"),
    "duplicate tile": lambda stack, edit: edit.put([bare("a"), bare("a")]),
    "missing tile": lambda stack, edit: edit.set_group("g", ["no such tile"]),
    "reading alone": lambda stack, edit: stack.reload().tile("no such tile").load(),
    "interrupted": lambda stack, edit: interrupted(),
}


@pytest.mark.parametrize("error", NOTHING_WRITTEN)
@pytest.mark.parametrize("complete", [True, False])
def test_editing__nothing_written(error: str, complete: bool, stack: StackWrapper) -> None:
    """An error before the first write leaves a COMPLETE stack COMPLETE, and a note reports it."""
    with (
        pytest.raises((ValueError, RenderGatewayError, KeyboardInterrupt)) as caught,
        stack.editing(complete=complete) as edit,
    ):
        NOTHING_WRITTEN[error](stack, edit)

    assert stack.reload().state == "COMPLETE"
    assert notes_of(caught) == ["stack montage is COMPLETE again; no tile was put"]


WRITTEN: dict[str, Callable[[StackWrapper, StackEdit], object]] = {
    "edit": lambda stack, edit: edit.delete(["t1_0"]),
    "object": lambda stack, edit: stack.tile("t1_0").delete(),
    "metadata": lambda stack, edit: stack.update(cycle=(1, 2)),
}


@pytest.mark.parametrize("way", WRITTEN)
def test_editing__written_by_any_object(way: str, stack: StackWrapper) -> None:
    """A write by whatever object of the gateway leaves the stack LOADING after an error."""

    def written(edit: StackEdit) -> None:
        WRITTEN[way](stack, edit)
        edit.apply(AffineModel2D(), how="replac_last")

    with pytest.raises(ValueError, match="replac_last"), stack.editing() as edit:
        written(edit)

    assert stack.reload().state == "LOADING"


def test_editing__note_of_the_present_state(stack: StackWrapper, gateway: Gateway) -> None:
    """The note on an error has the state that the stack has, whoever changed it."""
    others = another(gateway).stack("montage")

    def edit_while(others_set: Sequence[str], how: str) -> None:
        with stack.editing(reload=True) as edit:
            edit.put(boxed("a"))
            for state in others_set:
                others.set_state(state)
            if how == "wrong":
                edit.apply(AffineModel2D(), how=how)

    for error, states, how in (
        (ValueError, ["COMPLETE"], "wrong"),
        (StaleStackError, ["COMPLETE", "LOADING", "COMPLETE"], "right"),
    ):
        with pytest.raises(error) as caught:
            edit_while(states, how)
        assert notes_of(caught) == ["stack montage is COMPLETE; the 1 tiles put before this error are stored"]


def test_editing__in_turn(stack: StackWrapper, gateway: Gateway) -> None:
    """Two workers that hold their stacks edit in turn, each the stack as it is by then."""
    workers = [stack, another(gateway).stack("montage").load()]

    for number in range(4):
        with workers[number % 2].editing(reload=True) as edit:
            edit.put(boxed(f"new{number}"))

    assert (len(stack.tiles()), stack.state) == (10, "COMPLETE")
    workers[1].set_state("LOADING")
    with pytest.raises(StaleStackError, match=r"editing\(reload=True\)"), workers[0].editing():
        pass


def test_read_only__hint(stack: StackWrapper) -> None:
    """The hint for a READ_ONLY stack leads out of it."""
    stack.set_state("READ_ONLY")
    tries: list[Callable[[], object]] = [
        lambda: stack.set_state("LOADING"),
        lambda: stack.editing().__enter__(),
        stack.tile("t1_0").delete,
    ]
    for write in tries:
        with pytest.raises(StackStateError, match=r"Make it writable first \(stack.set_state\('COMPLETE'\) does\)"):
            write()

    stack.set_state("COMPLETE")
    with stack.editing() as edit:
        edit.delete(["t1_0"])


def interrupted() -> None:
    raise KeyboardInterrupt


def test_editing__keep_loading(stack: StackWrapper) -> None:
    """complete=False leaves the stack LOADING."""
    with stack.editing(complete=False):
        pass

    assert stack.state == "LOADING"


def test_put__boxes(gateway: Gateway) -> None:
    """Boxes that are there are kept, missing ones derived; or all are derived."""
    stack = gateway.create_stack("s")
    boxed = bare("a", min_x=5, min_y=6, max_x=7, max_y=8)

    with stack.editing() as edit:
        edit.put([boxed, bare("b")])
    kept = [list(tile.bounds or []) for tile in stack.section(1).tiles()]
    with stack.editing() as edit:
        edit.put([boxed], boxes="service")

    assert kept == [[5, 6, 7, 8], [0, 0, 100, 80]]
    assert list(stack.tile("a").bounds or []) == [0, 0, 100, 80]
    with pytest.raises(ValueError, match="keep"), stack.editing(complete=False) as edit:
        edit.put([boxed], boxes="mine")


def test_put__in_batches(gateway: Gateway) -> None:
    """Each batch is one request, and progress is reported."""
    stack = gateway.create_stack("s")
    told: list[int] = []

    with gateway.counting() as requests, stack.editing(workers=1, batch=2) as edit:
        edit.put([bare(f"t{n}", min_x=0, min_y=0, max_x=1, max_y=1) for n in range(5)], progress=told.append)

    assert requests.count("stack.save_tiles") == 3
    assert told == [2, 4, 5]
    assert stack.tile_count == 5


def test_put__brings_shared_transforms_along(stack: StackWrapper, gateway: Gateway) -> None:
    """Tiles put into another stack stay linked to their lens, which is saved with them."""
    copy = gateway.create_stack("copy")

    with copy.editing() as edit:
        edit.put(stack.section(2).tiles())

    tile = copy.section(2).tiles()[0]
    assert [type(transform) for transform in tile.transforms] == [TransformReference, AffineModel2D]
    assert copy.shared_transforms["lens"] == stack.shared_transforms["lens"]
    assert tile._obj.to_json() == stack.tile(tile.tile_id)._obj.to_json() or tile._obj == stack.tile(tile.tile_id)._obj


def test_put__missing_transform(stack: StackWrapper) -> None:
    """A dangling reference names tile and transform, and nothing is stored."""
    lost = TileRecord(tile_id="lost", z=1, width=9, height=9, transforms=[TransformReference("nothing")])

    with (
        pytest.raises(RecordError, match=r"tile lost requires the following transform ids \[nothing\]"),
        stack.editing() as edit,
    ):
        edit.put([lost])

    assert not any(tile.tile_id == "lost" for tile in stack.section(1).tiles())


def test_put__one_id_twice(stack: StackWrapper) -> None:
    """Two tiles with one id are refused."""
    with pytest.raises(RecordError, match="duplicate tile id 'a'"), stack.editing() as edit:
        edit.put([bare("a"), bare("a", group_id="g")])


def test_put__unchanged_text_stays(stack: StackWrapper, gateway: Gateway) -> None:
    """A section read and written back unchanged is byte-identical in the store."""
    before = gateway.call_raw("section.resolved_tiles", **stack.section(1)._key._asdict())

    with stack.editing() as edit:
        edit.put(stack.section(1).tiles())

    assert gateway.call_raw("section.resolved_tiles", **stack.section(1)._key._asdict()) == before


def test_put__resolved_tiles(stack: StackWrapper, gateway: Gateway) -> None:
    """An answer of a service can be put as is."""
    answer = ResolvedTiles.from_json(gateway.call_raw("section.resolved_tiles", **stack.section(3)._key._asdict()))
    copy = gateway.create_stack("copy")

    with copy.editing() as edit:
        assert edit.put(answer) == 2

    assert copy.section(3).tiles().ids == ["t3_0", "t3_1"]


def test_create__exists(stack: StackWrapper, gateway: Gateway) -> None:
    """A stack that exists is not reopened by creating it again."""
    with pytest.raises(BadRequestError, match="exists"):
        gateway.create_stack("montage")

    assert stack.state == "COMPLETE"


def test_state__no_way(stack: StackWrapper) -> None:
    """An invalid state transition raises with the service's message."""
    stack.set_state("READ_ONLY")

    with pytest.raises(StackStateError, match="must first be transitioned to COMPLETE"):
        stack.set_state("LOADING")
    with pytest.raises(StackStateError, match="READ_ONLY"):
        stack.delete()


def test_delete__stack_and_collection(stack: StackWrapper, gateway: Gateway) -> None:
    """Deleted objects disappear from lists loaded before."""
    stacks = gateway.stacks()
    assert stacks.ids == ["montage"]

    stack.delete()

    assert stacks.ids == []
    assert not stack.exists


# Requests, and several at once


def boxed(*tile_ids: str) -> TileTable:
    """Tiles that need no box derived."""
    return TileTable.from_columns(tile_id=tile_ids, z=1, width=9, height=9, box=[[0, 0, 9, 9]] * len(tile_ids))


def notes_of(caught: Any) -> list[str]:
    notes: list[str] = vars(caught.value)["__notes__"]
    return notes


def test_editing__requests(stack: StackWrapper, gateway: Gateway) -> None:
    """An edit opens, saves, looks whether it is still alone, and closes."""
    with gateway.counting() as requests, stack.editing() as edit:
        edit.put(boxed("a", "b"))
        edit.put(boxed("c"))

    assert requests == [
        "stack.read",
        "stack.set_state",
        *["stack.save_tiles"] * 2,
        "stack.read",
        "stack.set_state",
    ]


def test_editing__several_at_once(gateway: Gateway) -> None:
    """That many requests are under way at once, and never more."""
    stack = gateway.create_stack("s")
    meeting, most, under_way = threading.Barrier(3), [0], [0]
    lock = threading.Lock()

    def begin(exchange: Any) -> None:
        if exchange.endpoint == "stack.save_tiles":
            with lock:
                under_way[0] += 1
                most[0] = max(most[0], under_way[0])
            meeting.wait(10)

    def end(exchange: Any) -> None:
        if exchange.endpoint == "stack.save_tiles":
            with lock:
                under_way[0] -= 1

    gateway.hooks.on_request.append(begin)
    gateway.hooks.on_response.append(end)

    with stack.editing(workers=3, batch=1) as edit:
        assert edit.put(boxed(*"abcdef")) == 6

    assert most == [3]
    assert stack.tile_count == 6


@pytest.mark.parametrize("workers", [1, 4])
def test_editing__first_failure_ends_it(gateway: Gateway, workers: int) -> None:
    """After a failure no more batches are sent; the error reports the stored tile count."""
    stack = gateway.create_stack("s")

    with pytest.raises(ZeroDivisionError) as caught, stack.editing(workers=workers, batch=1) as edit:
        edit.put(boxed(*"abcdefghij"), progress=lambda done: 1 // (2 - done))

    stored = len(stack.section(1).tiles())
    assert 2 <= stored <= 2 + workers
    assert notes_of(caught) == [f"stack s was left LOADING; the {stored} tiles put before this error are stored"]
    assert stack.state == "LOADING"


def test_editing__interrupted(gateway: Gateway) -> None:
    """Ctrl-C waits for the batches under way, and sends no more."""
    stack = gateway.create_stack("s")
    answered: list[str] = []
    gateway.hooks.on_response.append(lambda exchange: answered.append(exchange.endpoint))

    def interrupt(done: int) -> None:
        raise KeyboardInterrupt

    with (
        gateway.counting() as requests,
        pytest.raises(KeyboardInterrupt) as caught,
        stack.editing(workers=2, batch=1, progress=interrupt) as edit,
    ):
        edit.put(boxed(*"abcdef"))

    saves = requests.count("stack.save_tiles")
    assert saves <= 3
    assert answered.count("stack.save_tiles") == saves == edit.saved
    assert f"the {saves} tiles put before" in notes_of(caught)[0]


def test_editing__wrong_numbers(stack: StackWrapper) -> None:
    """A batch size or a number of workers below 1 is refused."""
    with pytest.raises(ValueError, match="batch must be >= 1, got 0"):
        stack.editing(batch=0)
    with pytest.raises(ValueError, match="workers must be >= 1, got 0"):
        stack.editing(workers=0)


# A stack changed underneath


def test_editing__changed_since_it_was_read(stack: StackWrapper, gateway: Gateway) -> None:
    """An edit of a stack that others changed since it was read is refused until it is reloaded."""
    mine = another(gateway)
    theirs = mine.stack("montage").load()
    assert theirs.state == "COMPLETE"
    with stack.editing() as edit:
        edit.put(boxed("new"))

    sentence = "changed by others since it was read: it was COMPLETE, version"
    with mine.counting() as requests, pytest.raises(StaleStackError, match=sentence):
        theirs.editing().__enter__()
    assert requests == ["stack.read"]

    with theirs.reload().editing() as edit:
        edit.put(boxed("newer"))
    assert theirs.tile_count == 8


def test_editing__opened_by_two(stack: StackWrapper, gateway: Gateway) -> None:
    """Of two overlapping edits the one that ends later raises an error."""
    theirs = another(gateway).stack("montage")

    def open_again(done: int) -> None:
        theirs.set_state("COMPLETE")
        theirs.set_state("LOADING")

    with (
        pytest.raises(StaleStackError, match="reopened or recreated by others during this edit") as caught,
        stack.editing() as edit,
    ):
        edit.put(boxed("mine"), progress=open_again)

    assert "left LOADING" in notes_of(caught)[0]
    assert theirs.reload().state == "LOADING"


def test_editing__completed_by_another(stack: StackWrapper, gateway: Gateway) -> None:
    """A stack completed meanwhile is not completed again."""
    with gateway.counting() as requests, stack.editing() as edit:
        edit.put(boxed("mine"))
        another(gateway).stack("montage").set_state("COMPLETE")

    # Opened here, completed by the other gateway, whose requests are counted too.
    assert requests.count("stack.set_state") == 2
    assert stack.state == "COMPLETE"


def another(gateway: Gateway) -> Gateway:
    """Return a second gateway to the same service that does not see the writes of the first one."""
    other = gateway.using()
    other.objects.epochs = Epochs()
    return other


def test_editing__cannot_be_completed(gateway: Gateway) -> None:
    """If the stack cannot be completed, the error notes that it was left LOADING."""
    stack = gateway.create_stack("empty")

    with pytest.raises(Exception, match="no tiles") as caught, stack.editing():
        pass

    assert notes_of(caught) == ["stack empty was left LOADING; no tile was put"]


# Broken connections


@pytest.fixture
def service(tmp_path: Path) -> BreakingService:
    return BreakingService(tmp_path / "render.db")


@pytest.fixture
def remote(service: BreakingService) -> Iterator[Gateway]:
    """A gateway over a socket, without retries."""
    with (
        served(service) as address,
        Gateway(address, owner="lab", project="cortex", retries=Retries(total=0)) as gateway,
    ):
        yield gateway


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("breaks", [["before"], ["after"], ["ok", "before", "after", "before"], ["before"] * 3])
def test_editing__resumed_after_a_broken_connection(
    service: BreakingService, remote: Gateway, breaks: list[str], workers: int
) -> None:
    """Batches that were not confirmed are sent again, whether they had been stored or not."""
    stack = remote.create_stack("s")
    service.breaks = list(breaks)

    with stack.editing(workers=workers, batch=2) as edit:
        assert edit.put(boxed(*"abcdefg")) == 7

    assert service.saves == 4 + sum(fate != "ok" for fate in breaks)
    assert stack.section(1).tiles().ids == list("abcdefg")
    assert stack.state == "COMPLETE"


def test_editing__broken_for_good(service: BreakingService, remote: Gateway) -> None:
    """If all attempts fail, the error reports the stored tiles; the same edit may be repeated."""
    stack = remote.create_stack("s")
    service.breaks = ["ok"] + ["before"] * 6

    with pytest.raises(ConnectionFailedError) as caught, stack.editing(workers=1, batch=2) as edit:
        edit.put(boxed(*"abcdef"))

    assert notes_of(caught) == ["stack s was left LOADING; the 2 tiles put before this error are stored"]
    with stack.editing(batch=2) as edit:
        edit.put(boxed(*"abcdef"))
    assert stack.tile_count == 6


def test_editing__patience_ends(tmp_path: Path) -> None:
    """Waiting for a service that stays down ends after patience_s."""
    with served(BreakingService(tmp_path / "render.db")) as address:
        remote = Gateway(address, owner="lab", project="cortex", retries=Retries(total=0))
        stack = remote.create_stack("s")
        edit = stack.editing(patience_s=0.0).__enter__()

    with contextlib.closing(remote), pytest.raises(ConnectionFailedError):
        edit.put(boxed("a"))
