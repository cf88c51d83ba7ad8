"""The Python examples in README and docs are tests; all tests have the fixtures that users have."""

from typing import Any

from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser

# The first is loaded by its entry point where the project is installed, and then not again.
pytest_plugins = ["pytest_rendergateway", "pytester"]


def _made_up_volume(names: dict[str, Any]) -> None:
    """Give the examples of a document a volume of their own: gateway, stack, section, tile, matches."""
    from rendergateway import Gateway
    from rendergateway.testing import make_stack

    gateway = names["gateway"] = Gateway("embedded:", owner="lab", project="cortex")
    names["stack"] = make_stack(gateway, matches="dmesh")
    names["section"] = names["stack"].section(2)
    names["tile"] = names["section"].tiles()[0]
    names["matches"] = gateway.match_collection("dmesh")
    names["made_up"] = gateway


def _end(names: dict[str, Any]) -> None:
    names["made_up"].close()


pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser(), SkipParser()], patterns=["*.md"], setup=_made_up_volume, teardown=_end
).pytest()
