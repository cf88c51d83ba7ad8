"""Public names, each declared once."""

from __future__ import annotations

import importlib
import inspect
import pkgutil

import pytest

import rendergateway
from rendergateway import errors
from rendergateway.wrappers.core import registry

MODULES = [
    name for _, name, _ in pkgutil.walk_packages(rendergateway.__path__, "rendergateway.") if "__main__" not in name
]


@pytest.mark.parametrize("name", ["rendergateway", *MODULES])
def test_all__is_there_and_sorted(name: str) -> None:
    """Every module that offers names lists them, sorted, and has them all."""
    module = importlib.import_module(name)
    names = getattr(module, "__all__", [])

    assert list(names) == sorted(names, key=lambda word: (not word.isupper(), not word[:1].isupper(), word))
    assert all(hasattr(module, name) for name in names)


def test_errors__one_tree_drawn_whole() -> None:
    """Every error is in the drawing, exported, under one root, and none that a template engine swallows."""
    raised = [value for value in vars(errors).values() if inspect.isclass(value) and issubclass(value, Exception)]
    warned = [value for value in raised if issubclass(value, Warning)]
    classes = [value for value in raised if value not in warned]
    swallowed = (AttributeError, LookupError, TypeError, ValueError)

    for error in classes:
        if error is not errors.RenderGatewayError:
            assert f"── {error.__name__} " in (errors.__doc__ or ""), error
        assert getattr(rendergateway, error.__name__) is error
        assert issubclass(error, errors.RenderGatewayError)
        assert not issubclass(error, swallowed)
    for warning in warned:
        assert f"``{warning.__name__}``" in (errors.__doc__ or "")
        assert getattr(rendergateway, warning.__name__) is warning


def test_wrappers__every_kind_is_public() -> None:
    """The class of every kind is a public name, so that it can be replaced."""
    for base in registry._BASES.values():
        assert getattr(rendergateway, base.__name__) is base


@pytest.mark.parametrize("name", rendergateway.__all__)
def test_public__has_a_docstring(name: str) -> None:
    """Each public name is documented, and so are its public members."""
    value = getattr(rendergateway, name)
    if not inspect.isclass(value):
        return
    assert value.__doc__
    # help() also shows members inherited from private base classes of the package.
    for owner in value.__mro__:
        for member_name, member in vars(owner).items() if owner.__module__.startswith("rendergateway") else ():
            if not member_name.startswith("_") and (inspect.isfunction(member) or isinstance(member, property)):
                assert member.__doc__, f"{name}.{member_name}"
