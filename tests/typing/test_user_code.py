"""The code whose types are checked runs, and editors know the type of each public name."""

from __future__ import annotations

import importlib
import inspect
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rendergateway import Gateway
from rendergateway.testing import make_stack
from tests.typing import user_code

PACKAGES = [f"rendergateway{name}" for name in ("", ".model", ".transforms", ".transport", ".wrappers")]
# Arguments of generic classes.
ARGUMENTS = {"Collection": "[rendergateway.TileWrapper]", "ObjectWrapper": "[rendergateway.TileRecord]"}


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    """A stack with pictures and matches."""
    with Gateway("embedded:", owner="lab", project="cortex") as gateway:
        make_stack(gateway, sections=2, matches="matches", images=tmp_path)
        yield gateway


def test_user_code__runs(gateway: Gateway, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What editors show is what happens: every function of the user's code works on a small stack."""
    stack = gateway.stack("montage")
    profiles = tmp_path / "profiles.toml"
    profiles.write_text('[profiles.lab]\nservice = "localhost:8080"\n')
    monkeypatch.setenv("RENDERGATEWAY_CONFIG", str(profiles))
    monkeypatch.setenv("RENDERGATEWAY_SERVICE", "localhost:8080")

    user_code.navigation(gateway)
    user_code.collections(stack.sections()[0])
    user_code.tables(stack)
    user_code.matches(gateway)
    user_code.pictures(gateway)
    user_code.editing(gateway)
    user_code.blitz(gateway)
    user_code.gateways(f"embedded:{tmp_path / 'lab.db'}")
    user_code.environment()
    user_code.registered(gateway)


def uses_of(package: str) -> Iterator[str]:
    """Code that reads every public name of a package and every public member of its classes."""
    module = importlib.import_module(package)
    for name in module.__all__:
        value = getattr(module, name)
        yield f"print({package}.{name})"
        if inspect.isclass(value):
            of = f"{package}.{name}{ARGUMENTS.get(name, '')}"
            yield f"def use_{package.replace('.', '_')}_{name}(of: {of}) -> None:"
            yield from (f"    print(of.{member})" for member in dir(value) if not member.startswith("_"))
            yield "    print(of)"


def test_public_names__typed_without_gaps(tmp_path: Path) -> None:
    """Pyright, in strict mode, knows the whole type of every public name and member."""
    lines = [
        *(f"import {package}" for package in PACKAGES),
        *(line for package in PACKAGES for line in uses_of(package)),
    ]
    (tmp_path / "uses.py").write_text("\n".join(lines) + "\n", encoding="utf-8")
    root = str(Path(__file__).parents[2])
    settings = {"include": ["uses.py"], "typeCheckingMode": "strict", "extraPaths": [root]}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")

    command = [sys.executable, "-m", "basedpyright", "--pythonpath", sys.executable, "-p", str(tmp_path)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)

    assert found.returncode == 0, found.stdout
    assert len(lines) > 2000
