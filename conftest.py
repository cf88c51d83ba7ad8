"""The Python examples in README and docs are tests; all tests have the fixtures that users have."""

from typing import Any

from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser

# The first is loaded by its entry point where the project is installed, and then not again.
pytest_plugins = ["pytest_rendergateway", "pytester"]


def _keep_registrations(namespace: dict[str, Any]) -> None:
    # Imported here, because coverage is not measured yet when this file is.
    from tests.conftest import registrations_kept

    namespace["_kept"] = registrations_kept()
    namespace["_kept"].__enter__()


def _restore_registrations(namespace: dict[str, Any]) -> None:
    namespace["_kept"].__exit__(None, None, None)


pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser(), SkipParser()],
    patterns=["*.md"],
    setup=_keep_registrations,
    teardown=_restore_registrations,
).pytest()
