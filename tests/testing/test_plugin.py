"""The fixtures that pytest users get."""

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
    # Another process finds the project where this one does.
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


@pytest.mark.usefixtures("_importable")
def test_plugin__fixtures(pytester: pytest.Pytester) -> None:
    """A user's tests get a service of their own each, the list of requests, and made-up stacks."""
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
    """The tests that docs/testing.md shows pass."""
    page = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    pytester.makepyfile("\n".join(block for block in blocks if "def " in block or block.startswith("import")))

    pytester.runpytest_subprocess("-p", "pytest_rendergateway").assert_outcomes(passed=7)


@pytest.mark.usefixtures("_importable")
def test_plugin__imports_nothing_before_it_is_used(pytester: pytest.Pytester) -> None:
    """A session that uses no fixture of ours does not load the package, and none loads the service unasked."""
    pytester.makepyfile(
        """
        import sys

        def test_unused():
            assert "pytest_rendergateway" in sys.modules
            assert not [name for name in sys.modules if name.startswith("rendergateway")]
        """
    )

    pytester.runpytest_subprocess("-p", "pytest_rendergateway").assert_outcomes(passed=1)


def test_plugin__announced_by_its_own_name() -> None:
    """An installed plugin is found under its module's name, so that naming it in a conftest loads nothing twice."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

    assert project["project"]["entry-points"]["pytest11"] == {"pytest_rendergateway": "pytest_rendergateway"}
    assert "pytest_rendergateway" in project["tool"]["setuptools"]["py-modules"]
