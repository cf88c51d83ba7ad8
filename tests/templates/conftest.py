"""The three engines, and a stack to show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import django
import pytest
from django.conf import settings
from django.template import Context, Engine
from jinja2 import Environment, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from rendergateway import StackWrapper

if not settings.configured:
    settings.configure(USE_TZ=True, TIME_ZONE="UTC", ALLOWED_HOSTS=["*"], ROOT_URLCONF="tests.templates.conftest")
    django.setup()

urlpatterns: list[Any] = []


def in_django(source: str, **values: Any) -> str:
    """Render with Django's own engine; missing values show as ‹missing›."""
    return str(Engine(string_if_invalid="‹missing›").from_string(source).render(Context(values)))


def in_jinja(source: str, **values: Any) -> str:
    """Render with Jinja2 as Flask sets it up, but strict."""
    return Environment(autoescape=True, undefined=StrictUndefined).from_string(source).render(**values)


def in_sandbox(source: str, **values: Any) -> str:
    """Render with Jinja2's sandbox."""
    return SandboxedEnvironment(autoescape=True, undefined=StrictUndefined).from_string(source).render(**values)


@pytest.fixture
def stack(make_stack: Callable[..., StackWrapper]) -> StackWrapper:
    """Three sections of two tiles, and their matches, as a view finds them: nothing is loaded."""
    stack = make_stack(sections=3, rows=1, columns=2, matches="truth")
    opened: StackWrapper = stack._conn.stack("montage")
    return opened
