"""Hosts of other viewers in the query of a page, which all its links to pages keep."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rendergateway.visible_text import visible

__all__ = ["HOSTS", "SERVICE", "checked_host", "hosts_in", "is_page"]

# The query word of the service, as browsers reach it.
SERVICE = "render"
# Query words and titles of hosts.
HOSTS = {"neuroglancer": "Neuroglancer", "catmaid": "CATMAID", "ndviz": "NdViz", SERVICE: "Render service"}
_MOST_CHARACTERS = 200
# Host names in other scripts have an ASCII form, so that no letter looks like another one.
_HOST = re.compile(r"https?://([a-z0-9_.-]+|\[[0-9a-f:.]+])(:[0-9]{1,5})?(/[a-z0-9_.~/%-]*)?", re.IGNORECASE | re.ASCII)
_PAGES = frozenset(
    {
        "home", "owner", "project", "hierarchy", "stack", "sample", "explorer", "stack_residuals", "section_by_id",
        "section", "tile", "neighbourhood", "match_collection", "pairs", "pair", "search", "compare",
    }
)  # fmt: skip


def checked_host(text: str) -> str:
    """
    Return the address of a host without a slash at its end; one without a scheme has ``http``.

    Raises
    ------
    ValueError
        If it is not a host with an optional port and path, of ``http`` or ``https``.

    Examples
    --------
    >>> checked_host("catmaid.example.org:8000/"), checked_host("https://example.org/em")
    ('http://catmaid.example.org:8000', 'https://example.org/em')
    """
    address = text if "://" in text else f"http://{text}"
    if len(address) > _MOST_CHARACTERS or not _HOST.fullmatch(address):
        raise ValueError(f"a host is http://name:port or https://name:port, with an optional path: got {visible(text)}")
    return address.rstrip("/")


def hosts_in(query: Mapping[str, Any]) -> dict[str, str]:
    """Return the hosts in a query; raise `ValueError` if one is not an address."""
    given = {name: str(query.get(name, "")).strip() for name in HOSTS}
    return {name: checked_host(text) for name, text in given.items() if text}


def is_page(endpoint: str) -> bool:
    """Whether an endpoint of the blueprint is a page, whose address keeps the hosts."""
    return endpoint.rpartition(".")[2] in _PAGES
