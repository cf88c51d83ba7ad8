"""Transform classes, image loaders and filters that a lab registers."""

# Nested blocks keep the registration apart from the error.
# ruff: noqa: SIM117

from __future__ import annotations

import json
import multiprocessing
import pickle
import threading
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import numpy.typing as npt
import pytest

from rendergateway import (
    Gateway,
    ImageError,
    RegistrationError,
    RenderGatewayError,
    StackWrapper,
    TileRecord,
    extensions,
    register_filter,
    register_image_loader,
    register_transform,
)
from rendergateway.errors import FilterError, TransformError
from rendergateway.extensions import Extensions
from rendergateway.geometry import FloatArray, as_points
from rendergateway.rendering import FILTERS, LOADERS, ImageAddress, Opener
from rendergateway.service.base.options import Options
from rendergateway.service.domain.render import _sources
from rendergateway.transforms import CLASSES, LeafTransform, from_spec, tile_box

if TYPE_CHECKING:
    from typing_extensions import Self

SPAWN = multiprocessing.get_context("spawn")


@attrs.frozen(repr=False)
class Wave(LeafTransform):
    """x' = x + height."""

    JAVA_NAME = "lab.Wave"

    height: float

    @classmethod
    def from_data_string(cls, text: str) -> Self:
        return cls(float(text))

    def to_data_string(self) -> str:
        return repr(self.height)

    def apply(self, points: npt.ArrayLike) -> FloatArray:
        return np.add(as_points(points), [self.height, 0.0])


def load_raw(address: ImageAddress, opened: Opener) -> npt.NDArray[np.uint8]:
    """Read 80 × 60 bytes."""
    source = opened(address.url.partition("?")[0])
    data = source if isinstance(source, bytes) else source.read_bytes()
    return np.frombuffer(data, np.uint8).reshape(60, 80)


def darker(
    pixels: npt.NDArray[Any], parameters: Mapping[str, str], scale: float, random: np.random.Generator
) -> npt.NDArray[Any]:
    return pixels // int(parameters["by"])


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A file that only the lab's loader reads."""
    path = tmp_path / "image.raw"
    path.write_bytes(np.full((60, 80), 200, np.uint8).tobytes())
    return path


def lab_stack(gateway: Gateway, image: Path) -> StackWrapper:
    """A stack of one tile of the lab's transform class, loader and filter."""
    stack = gateway.create_stack("lab")
    spec = {
        "tileId": "a", "z": 1, "width": 80, "height": 60,
        "minX": 0, "minY": 0, "maxX": 80, "maxY": 60,
        "mipmapLevels": {"0": {"imageUrl": f"file:{image}?any=thing", "imageLoaderType": "LAB_RAW"}},
        "filterSpec": {"className": "lab.Darker", "parameters": {"by": "4"}},
        "transforms": {"type": "list", "specList": [{"className": "lab.Wave", "dataString": "7"}]},
    }  # fmt: skip
    with stack.editing() as edit:
        edit.put([TileRecord.from_json(json.dumps(spec))])
    return stack


def register_all() -> None:
    register_transform(Wave)
    register_image_loader("LAB_RAW")(load_raw)
    register_filter("lab.Darker")(darker)


def test_registered__service_and_local(gateway: Gateway, image: Path) -> None:
    """The embedded service and this process compute with the registrations, also after an attempt without it."""
    stack = lab_stack(gateway, image)
    for compute in ("local", "service"):
        with pytest.raises(RenderGatewayError, match=r"LAB_RAW|lab\.Wave"):
            stack.section(1).image(compute=compute)
        assert stack.world_from_local("a", [[1, 2]], compute=compute).failed.all()
    register_all()

    for compute in ("local", "service"):
        assert stack.world_from_local("a", [[1, 2]], compute=compute).xy.tolist() == [[8, 2]]
        assert np.asarray(stack.section(1).image(compute=compute))[5, 8:50].tolist() == [50] * 42
    with stack.editing() as edit:
        edit.put(list(stack.section(1).tiles()), boxes="service")
    assert list(stack.tile("a").bounds or ()) == [7, 0, 87, 60]
    assert list(tile_box(stack.tile("a").resolved_transforms, 80, 60)) == [7, 0, 87, 60]
    assert stack.tile("a").transforms[0] == Wave(7.0)
    assert Wave(7.0).inverse().apply([8, 2]).round(6).tolist() == [1, 2]


def test_registered__changed_file(gateway: Gateway, image: Path) -> None:
    """An image is read again if its file, or its loader, changes."""
    stack = lab_stack(gateway, image)
    register_all()

    def seen() -> int:
        return int(np.asarray(stack.tile("a").image("raw", compute="local"))[3, 3])

    assert seen() == 50
    image.write_bytes(b"d" * 4800 + b" ")
    with LOADERS.registered("LAB_RAW", lambda *_: np.full((60, 80), 80, np.uint8), replace=True):
        assert seen() == 20
    with pytest.raises(
        ImageError, match=r"tile 'a', image '.*image.raw\?any=thing': image loader LAB_RAW failed: Valu"
    ):
        seen()
    image.write_bytes(b"d" * 4800)
    assert seen() == 25


def test_registered__below_the_image_folders(tmp_path: Path, image: Path) -> None:
    """A service opens files for a loader only below its image folders."""
    register_all()
    (tmp_path / "inside").mkdir()
    inside, link = image.rename(tmp_path / "inside/image.raw"), tmp_path / "inside/link.raw"
    image.write_bytes(inside.read_bytes())
    link.symlink_to(image)
    sources = _sources(Options(images=(tmp_path / "inside",)))

    assert sources.image(ImageAddress(f"file:{inside}?any=thing", "LAB_RAW"))[0, 0] == 200
    for outside in (image, link):
        with pytest.raises(ImageError, match="file not found"):
            sources.image(ImageAddress(f"file:{outside}?any=thing", "LAB_RAW"))
    with LOADERS.registered("LAB_OTHER", lambda address, opened: load_raw(ImageAddress(str(image)), opened)):
        with pytest.raises(ImageError, match="file not found"):
            sources.image(ImageAddress("lab://1", "LAB_OTHER"))


def compute_there(stack: StackWrapper) -> tuple[list[float], int]:
    """In a process that registers nothing itself."""
    (world,) = stack.world_from_local("a", [[1, 2]]).raise_errors().xy.tolist()
    return world, int(np.asarray(stack.tile("a").image("raw", compute="local"))[3, 3])


def test_registered__in_another_process(tmp_path: Path, image: Path) -> None:
    """A spawned process computes with the registrations of the process of the gateway."""
    with Gateway(f"embedded:{tmp_path}/db", owner="lab", project="cortex") as gateway:
        stack = lab_stack(gateway, image)
        register_all()
        # A function without a name cannot be pickled; it is left out.
        register_filter("lab.Other")(lambda pixels, *_: pixels)
        with ProcessPoolExecutor(1, mp_context=SPAWN) as pool:
            assert pool.submit(compute_there, stack).result() == ([8, 2], 50)


def test_receive__what_cannot_be_loaded() -> None:
    """A class of a module that the other process lacks is a warning there, not an error of the gateway."""
    with pytest.warns(UserWarning, match=r"filter 'lab.Lost' cannot be used in this process: ModuleNotFoundError"):
        extensions.receive({"filter": {"lab.Lost": b"cno_such_module\nfilter\n."}})
    assert "lab.Lost" not in FILTERS


def test_receive__keeps_own() -> None:
    """Registrations of a process are not replaced by received ones."""
    register_transform(Wave)
    sent = extensions.portable()
    assert pickle.loads(sent["transform class"]["lab.Wave"]) is Wave
    with CLASSES.registered("lab.Wave", Other, replace=True):
        extensions.receive(sent)
        assert CLASSES["lab.Wave"] is Other


class Other(Wave):
    """Another class of the same name."""


def test_register__duplicates() -> None:
    """A name that has a value is refused unless it is replaced; the same code may be run again."""
    register_all()
    register_all()
    with pytest.raises(RegistrationError, match=r"class 'lab\.Wave' is registered already, as <class '.*Wave'>"):
        register_transform(Other)
    assert register_transform(replace=True)(Other) is Other
    assert isinstance(from_spec({"className": "lab.Wave", "dataString": "1"}), Other)
    with pytest.raises(RegistrationError, match="image loader 'H5_SLICE' is registered already"):
        register_image_loader("H5_SLICE")(load_raw)
    invert = "org.janelia.alignment.filter.Invert"
    with pytest.raises(RegistrationError, match=rf"filter '{invert}' is registered already"):
        register_filter(invert)(darker)
    words: Extensions[object] = Extensions("word of a test", {})
    with words.registered("any", lambda: 1), pytest.raises(RegistrationError, match="'any' is registered already"):
        words.register("any", lambda: 2)


@pytest.mark.parametrize(
    ("register", "sentence"),
    [
        (
            lambda: register_filter(darker),  # type: ignore[arg-type]
            "filter must have a name: got <function darker",
        ),
        (lambda: register_image_loader(" "), "image loader must have a name: got ' '"),
        (
            lambda: register_transform(darker),  # type: ignore[call-overload]
            "transform class must derive from LeafTransform: got <function darker",
        ),
        (lambda: register_transform(LeafTransform), "transform class LeafTransform is incomplete: define apply, from_"),
        (
            lambda: register_transform(type("Bare", (Wave,), {"JAVA_NAME": ""})),
            "transform class must have a name: got ''",
        ),
    ],
)
def test_register__refused(register: Any, sentence: str) -> None:
    """What cannot be used is refused when it is registered."""
    with pytest.raises(RegistrationError, match=sentence):
        register()


def test_registered__blocks_overlap() -> None:
    """A block ends its own registration and no other one, in any order."""
    words: Extensions[int] = Extensions("word of a test", {"built in": 1})
    first, second = words.registered("w", 1), words.registered("w", 2, replace=True)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert (words["w"], dict(words), len(words)) == (2, {"built in": 1, "w": 2}, 2)
    second.__exit__(None, None, None)
    assert dict(words) == {"built in": 1}


def test_registered__threads() -> None:
    """Of two threads that register a name at the same time, one succeeds."""
    refused = list[str]()

    class Slow(dict[str, object]):
        """Nothing is built in, and the first lookup lets another thread register."""

        def __getitem__(self, name: str) -> object:
            if not started:
                started.append(threading.Thread(target=register))
                started[0].start()
                # It waits for the lock: until this call ends, it can neither look up nor register.
                started[0].join(timeout=0.1)
            raise KeyError(name)

    def register() -> None:
        try:
            words.register("w", object())
        except RegistrationError as error:
            refused.append(str(error))

    started: list[threading.Thread] = []
    words: Extensions[object] = Extensions("word of a test", Slow())
    register()
    started[0].join()
    assert len(refused) == 1


@pytest.mark.parametrize(
    ("result", "sentence"),
    [
        (np.zeros((60, 80)), r"return \(H, W\) of uint8, uint16, float32 or .*: got \(60, 80\) of float64"),
        (np.zeros((60, 80, 4), np.uint8), r"got \(60, 80, 4\) of uint8"),
        (None, r"got \(\) of <class 'NoneType'>"),
    ],
)
def test_loader__wrong_result(gateway: Gateway, image: Path, result: Any, sentence: str) -> None:
    """A loader that returns something else is an error that names tile and loader."""
    stack = lab_stack(gateway, image)
    with (
        LOADERS.registered("LAB_RAW", lambda *_: result),
        pytest.raises(ImageError, match=f"tile 'a', .*: image loader LAB_RAW must .*{sentence}"),
    ):
        stack.tile("a").image("raw", compute="local")


def test_filter__wrong_result(gateway: Gateway, image: Path) -> None:
    """A filter that fails, or changes the shape, is an error that names tile and filter."""
    stack = lab_stack(gateway, image)
    register_image_loader("LAB_RAW")(load_raw)
    with FILTERS.registered("lab.Darker", lambda pixels, *_: pixels[1:]):
        with pytest.raises(FilterError, match=r"'a': filter lab.Darker must keep the shape \(60, 80\): got \(59, 80\)"):
            stack.tile("a").image("raw", compute="local")
    with FILTERS.registered("lab.Darker", lambda pixels, *_: pixels / {}):
        with pytest.raises(FilterError, match=r"'a': filter lab\.Darker failed: TypeError"):
            stack.tile("a").image("raw", compute="local")


def test_loader__own_urls(gateway: Gateway, image: Path) -> None:
    """A loader may open URLs of its own; only `open` checks them."""
    stack = lab_stack(gateway, image)
    register_filter("lab.Darker")(darker)
    level = {"imageUrl": "lab://run/7", "imageLoaderType": "LAB_DATABASE"}
    record = TileRecord.from_json(stack.tile("a")._obj.to_json()).evolve(mipmaps={0: level}, transforms=[])
    with stack.editing() as edit:
        edit.put([record])

    with LOADERS.registered("LAB_DATABASE", lambda address, _: np.full((60, 80), int(address.url[-1]) * 4, np.uint8)):
        for compute in ("local", "service"):
            assert np.asarray(stack.tile("a").image(compute=compute))[5, 5] == 7
    with LOADERS.registered("LAB_DATABASE", lambda address, opened: load_raw(address, opened)):
        with pytest.raises(ImageError, match="remote image not allowed: got a URL of scheme lab"):
            stack.tile("a").image(compute="local")


def test_unregistered__message() -> None:
    """The error of an unknown class names the function that registers one."""
    with pytest.raises(
        TransformError, match=r"'lab.Wave' cannot be found; .* unless register_transform\(\) defines it"
    ):
        from_spec({"className": "lab.Wave", "dataString": "1"}).apply([0, 0])
