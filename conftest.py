"""The Python examples in README and docs are tests; all tests have the fixtures that users have."""

from contextlib import ExitStack
from typing import Any

from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser

# The first is loaded by its entry point where the project is installed, and then not again.
pytest_plugins = ["pytest_rendergateway", "pytester"]


def _keep_registrations(namespace: dict[str, Any]) -> None:
    # Imported here, because coverage is not measured yet when this file is.
    from rendergateway import extensions
    from rendergateway.wrappers.core import registry

    kept = namespace["_kept"] = ExitStack()
    kept.enter_context(registry.DEFAULT.kept())
    kept.enter_context(registry.ANNOUNCED.kept())
    kept.enter_context(extensions.kept())


def _restore_registrations(namespace: dict[str, Any]) -> None:
    namespace["_kept"].close()


pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser(), SkipParser()],
    patterns=["*.md"],
    setup=_keep_registrations,
    teardown=_restore_registrations,
).pytest()
