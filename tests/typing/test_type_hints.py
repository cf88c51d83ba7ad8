"""Type hints, signatures and dir() at run time, for what reads them there: documentation, notebooks, validators."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
import typing
from collections.abc import Iterator
from types import FunctionType
from typing import Any

import pytest

import rendergateway
from rendergateway import Bounds, Collection, Picture, SectionWrapper, StackEdit, StackWrapper, TileWrapper
from rendergateway.wrappers.images.options import PictureKeywords

PACKAGES = [f"rendergateway{name}" for name in ("", ".model", ".transforms", ".transport", ".wrappers")]


def function_of(member: Any) -> Any:
    """The function of a method, or of a property."""
    return member.fget if isinstance(member, property) else getattr(member, "__func__", member)


def is_documented(label: str, function: Any) -> bool:
    """Whether it is a public function, or a constructor that is written out."""
    member = label.rpartition(".")[2]
    if not isinstance(function, FunctionType) or (member.startswith("_") and member != "__init__"):
        return False
    # attrs writes constructors with the texts of annotations, and without the names in them.
    return not inspect.unwrap(function).__code__.co_filename.startswith("<attrs")


def public_functions() -> Iterator[tuple[str, FunctionType]]:
    """Every public function, and every public method and property of public classes, with its name."""
    for package in PACKAGES:
        for name in importlib.import_module(package).__all__:
            value = getattr(importlib.import_module(package), name)
            members = [(value.__name__, value)] if isinstance(value, FunctionType) else []
            for owner in inspect.getmro(value) if inspect.isclass(value) else ():
                if owner.__module__.startswith("rendergateway."):
                    members += [(f"{owner.__name__}.{member}", function_of(own)) for member, own in vars(owner).items()]
            yield from ((label, function) for label, function in members if is_documented(label, function))


FUNCTIONS = dict(public_functions())


@pytest.mark.parametrize("owner", sorted({label.rpartition(".")[0] for label in FUNCTIONS}))
def test_hints__resolve(owner: str) -> None:
    """get_type_hints resolves every annotation of every public function."""
    for label, function in FUNCTIONS.items():
        if label.rpartition(".")[0] == owner:
            assert not [hint for hint in typing.get_type_hints(function).values() if isinstance(hint, str)], label


def test_hints__nouns_editing_and_keywords() -> None:
    """The hints are the classes themselves, also those that a plain import does not load."""
    assert len(FUNCTIONS) > 300
    assert typing.get_type_hints(StackWrapper.sections)["return"] == Collection[SectionWrapper]
    assert typing.get_type_hints(StackWrapper.editing)["return"] is StackEdit
    assert typing.get_type_hints(SectionWrapper.image)["return"] is Picture
    assert PictureKeywords in typing.get_args(typing.get_type_hints(SectionWrapper.image)["options"])
    assert typing.get_type_hints(rendergateway.Gateway.getObject)["name"] == str | None


@pytest.mark.parametrize("member", ["bounds", "state", "resolution_nm"])
def test_facts__have_the_type_of_the_field(member: str) -> None:
    """A field that is read once has annotation, signature and name of its definition."""
    function = vars(StackWrapper)[member].fget

    assert inspect.signature(function).return_annotation == function.__annotations__["return"]
    assert (function.__qualname__, function.__module__) == (f"StackWrapper.{member}", StackWrapper.__module__)
    assert vars(StackWrapper)[member].__doc__ == function.__doc__
    assert typing.get_type_hints(vars(TileWrapper)["bounds"].fget)["return"] == Bounds | None


def run(*lines: str) -> str:
    """The output of a fresh process."""
    code = "\n".join(["import sys, typing", *lines])
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_hints__loaded_when_they_are_read() -> None:
    """A plain import loads none of the modules that only hints need; reading hints does."""
    loaded = "print('rendergateway.wrappers.images.picture' in sys.modules)"

    lines = run(
        "import rendergateway",
        loaded,
        "print(rendergateway.StackWrapper.cross_section.__annotations__['return'])",
        loaded,
        "print(typing.get_type_hints(rendergateway.StackWrapper.cross_section)['return'].__name__)",
        loaded,
    )

    assert lines.split() == ["False", "Picture", "False", "Picture", "True"]


def test_hints__package_that_is_not_installed() -> None:
    """Without pandas only the hints that name it stay unresolved."""
    lines = run(
        "sys.modules['pandas'] = None",
        "from rendergateway import TileTable",
        "print(typing.get_type_hints(TileTable.validate)['return'])",
        "try:",
        "    typing.get_type_hints(TileTable.to_pandas)",
        "except NameError as error:",
        "    print(error)",
    )

    assert "Problem" in lines
    assert "name 'pandas' is not defined" in lines


def test_hints__python_3_10_without_typing_extensions() -> None:
    """Without Self and Unpack, which Python 3.10 does not have, hints still resolve."""
    lines = run(
        "from rendergateway import Collection, Picture, SectionWrapper",
        "sys.modules['typing_extensions'] = None",
        "sys.modules['rendergateway.type_hints'].typing = None",
        "print(typing.get_type_hints(Collection.load)['return'])",
        "print(typing.get_type_hints(SectionWrapper.image)['options'].__name__)",
    )

    assert lines.splitlines() == ["typing.Any", "PictureKeywords"]


def test_hints__inherited_by_a_subclass() -> None:
    """A subclass in another module inherits methods whose hints resolve."""

    class LabStack(StackWrapper):
        """A stack of a lab."""

    assert typing.get_type_hints(LabStack.section)["return"] is SectionWrapper


@pytest.mark.parametrize("package", PACKAGES)
def test_dir__every_public_name(package: str) -> None:
    """dir() of a package lists its public names, before they are imported too."""
    module = importlib.import_module(package)

    assert set(module.__all__) <= set(dir(module))
