"""The pytest plugin."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]


@pytest.fixture
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    # For the processes that pytester starts.
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


@pytest.mark.usefixtures("_importable")
def test_plugin__fixtures(pytester: pytest.Pytester) -> None:
    """The fixtures are a private service per test, the list of its requests, and made-up stacks."""
    pytester.makepyfile(
        """
        def test_one(gateway, counting, make_stack):
            stack = make_stack(sections=2, rows=1, columns=2)
            counting.clear()
            assert [len(section.tiles()) for section in stack.sections()] == [2, 2]
            assert counting == ["stack.z_values", "section.resolved_tiles", "section.resolved_tiles"]

        def test_other(gateway):
            assert len(gateway.stacks()) == 0
        """
    )

    pytester.runpytest_subprocess("-p", "pytest_rendergateway").assert_outcomes(passed=2)


@pytest.mark.usefixtures("_importable")
def test_plugin__as_documented(pytester: pytest.Pytester) -> None:
    """The tests in docs/testing.md pass."""
    page = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    pytester.makepyfile("\n".join(block for block in blocks if "def " in block or block.startswith("import")))

    pytester.runpytest_subprocess("-p", "pytest_rendergateway").assert_outcomes(passed=7)


@pytest.mark.usefixtures("_importable")
def test_plugin__imports_nothing_before_it_is_used(pytester: pytest.Pytester) -> None:
    """A session that uses none of the fixtures does not import the package."""
    pytester.makepyfile(
        """
        import sys

        def test_unused():
            assert "pytest_rendergateway" in sys.modules
            assert not [name for name in sys.modules if name.startswith("rendergateway")]
        """
    )

    pytester.runpytest_subprocess("-p", "pytest_rendergateway").assert_outcomes(passed=1)


def test_plugin__entry_point() -> None:
    """The entry point has the name of the module, so that naming it in a conftest does not load it twice."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

    assert project["project"]["entry-points"]["pytest11"] == {"pytest_rendergateway": "pytest_rendergateway"}
    assert "pytest_rendergateway" in project["tool"]["setuptools"]["py-modules"]
