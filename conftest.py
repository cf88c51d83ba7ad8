"""The Python examples in README and docs are tests; all tests have the fixtures that users have."""

from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser

# The first is loaded by its entry point where the project is installed, and then not again.
pytest_plugins = ["pytest_rendergateway", "pytester"]

pytest_collect_file = Sybil(parsers=[PythonCodeBlockParser(), SkipParser()], patterns=["*.md"]).pytest()
