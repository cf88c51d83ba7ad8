"""Distributions built from a clean copy, user environments, and a service for them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.packaging.places import ROOT

Run = Callable[..., str]


def run(*words: str | os.PathLike[str], **options: object) -> str:
    """Run a program and return its output; if it fails, the output is the message."""
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload]
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return str(done.stdout)


def tracked_files() -> list[str]:
    """The working tree of the project: tracked files and new ones."""
    found = run("git", "-C", ROOT, "ls-files", "--cached", "--others", "--exclude-standard").splitlines()
    return [name for name in found if (ROOT / name).is_file()]


class Distributions(NamedTuple):
    """Uploaded files."""

    wheel: Path
    sdist: Path


@pytest.fixture(scope="session")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Distributions:
    """A source distribution of the project, and a wheel built from that."""
    if not (ROOT / ".git").exists():
        pytest.skip("what is the project's and what is not, only git tells")
    copy, built = tmp_path_factory.mktemp("copy"), tmp_path_factory.mktemp("built")
    for name in tracked_files():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, copy / name)
    run(sys.executable, "-m", "build", "--outdir", built, copy)
    (wheel,), (sdist,) = built.glob("*.whl"), built.glob("*.tar.gz")
    return Distributions(wheel, sdist)


@pytest.fixture(scope="session")
def unpacked(distributions: Distributions, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution, unpacked."""
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(distributions.sdist) as archive:
        if sys.version_info >= (3, 11, 4):
            archive.extractall(folder, filter="data")
        else:
            archive.extractall(folder)
    (root,) = folder.iterdir()
    return root


def environment(folder: Path, *requirements: str | os.PathLike[str]) -> Path:
    """Make a fresh environment and return its interpreter."""
    run(sys.executable, "-m", "venv", folder)
    python = folder / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", "--upgrade", "pip>=25.1")
    wheels = ("--only-binary", ":all:", "--no-binary", "rendergateway")
    run(python, "-m", "pip", "install", "--quiet", *wheels, *requirements)
    return python


class Served(NamedTuple):
    """A service with a made-up stack, and files beside it."""

    url: str
    files: Path


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service in a separate process, with all extras."""
    import h5py
    import numpy as np
    import tifffile
    import zarr

    from rendergateway import Gateway
    from rendergateway.rendering.output.encoding import write_png
    from rendergateway.testing import make_stack

    files = tmp_path_factory.mktemp("files")
    volume: Any = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    with h5py.File(files / "volume.h5", "w") as file:
        file["s0"] = volume
    zarr.save_group(str(files / "volume.zarr"), s0=volume)
    tifffile.imwrite(files / "image.tif", np.zeros((9, 9), dtype=np.uint8))
    write_png(files / "image.png", np.zeros((9, 9), dtype=np.uint8))
    with Gateway(f"embedded:{files / 'render.db'}", owner="lab", project="cortex") as gateway:
        make_stack(gateway, matches="truth", images=files)
    shutil.copy2(files / "render.db", files / "served.db")
    words = ["-m", "rendergateway.cli", "serve", files / "served.db", "--port", "0", "--images", files, "--quiet"]
    with subprocess.Popen([sys.executable, *map(str, words)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield Served(process.stdout.readline().split()[2].removesuffix(",").removesuffix("/render-ws"), files)
        process.terminate()
