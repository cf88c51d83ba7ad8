"""The pages that docs/templates.md shows."""

from __future__ import annotations

import re
from pathlib import Path

from rendergateway import StackWrapper

from .conftest import in_django, in_jinja

PAGE = (Path(__file__).parents[2] / "docs" / "templates.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_docs__pages(stack: StackWrapper) -> None:
    """The page of the documentation renders the same in both languages, with the expected text."""
    django, state = blocks("django")
    (jinja,) = blocks("jinja")

    shown = in_django(django, stack=stack)

    assert shown.split() == in_jinja(jinja, stack=stack).split()
    assert shown.count("<h2>") == 3
    assert shown.count('alt="s1_r0_c0"') == 1
    assert in_django(state, stack=stack).strip() == "complete"
    assert "no sections" in in_django(django, stack=stack._conn.create_stack("empty"))
