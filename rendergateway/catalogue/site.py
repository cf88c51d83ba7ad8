"""One site: the gateway of a request, addresses of objects, validity of pages, and what all templates share."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlencode

import attrs

from rendergateway import links
from rendergateway.catalogue import cells, show
from rendergateway.catalogue.kept import KeptData
from rendergateway.catalogue.looks import columns_of, template_of
from rendergateway.catalogue.tables import TableView, table_of
from rendergateway.catalogue.viewers import HOSTS, SERVICE, hosts_in, is_page
from rendergateway.endpoints.address import Address
from rendergateway.errors import ConfigurationError, RecordError
from rendergateway.extras import needed_for
from rendergateway.number_text import double_text
from rendergateway.version import __version__

with needed_for("the catalogue"):
    import flask

if TYPE_CHECKING:
    from rendergateway.gateway import Gateway

__all__ = ["Page", "Site", "is_reachable"]

Page: TypeAlias = "str | flask.Response"

# Titles of the links of an object into viewers.
_VIEWERS = {
    "neuroglancer": "Neuroglancer",
    "catmaid": "CATMAID",
    "ndviz": "NdViz",
    "dashboard": "render's own page",
}
_IMMUTABLE = "private, max-age=31536000, immutable"
_REVALIDATED = "private, no-cache"
_PATHS = {
    "owner": ("owner",),
    "project": ("owner", "project"),
    "stack": ("owner", "project", "stack"),
    "match_collection": ("owner", "collection"),
}


def is_reachable(name: str) -> bool:
    """Return whether a name can be a part of a path: the service cannot be asked for others."""
    return name not in ("", ".", "..") and "/" not in name and "\0" not in name


def _wants_csv() -> bool:
    return flask.request.args.get("format") == "csv"


@attrs.define(eq=False)
class Site:
    """
    The state of one blueprint.

    Parameters
    ----------
    opened : callable
        Returns the gateway, in each request.
    name : str
        Name of the blueprint.
    hosts : tuple of str, optional
        Host names, besides loopback, that requests may be sent to. None: any name.
    viewers : mapping of str
        Addresses of viewers: ``neuroglancer``, ``catmaid``, ``ndviz``.
    is_of_service : bool
        Whether the pages and the service have the same address.
    """

    opened: Callable[[], Gateway]
    name: str
    hosts: tuple[str, ...] | None
    viewers: Mapping[str, str]
    is_of_service: bool
    kept: KeptData = attrs.field(factory=KeptData)
    # Pages of an earlier process, perhaps of other templates or classes, are not valid in this one.
    token: str = attrs.field(factory=lambda: secrets.token_hex(4))

    # The request

    @property
    def gateway(self) -> Gateway:
        """The gateway of this request: with readings of its own, so that each page shows what the service has now."""
        found: Gateway | None = flask.g.get("catalogue_gateway")
        if found is None:
            found = self.opened().using()
            if SERVICE in self.given_hosts:
                found.public_url = Address.parse(self.given_hosts[SERVICE]).base_url
            elif self.is_of_service:
                found.public_url = f"{flask.request.host_url}render-ws/v1"
            flask.g.catalogue_gateway = found
        return found

    @property
    def server(self) -> str:
        """The address of the service, as a reader of the page would pass it."""
        return flask.request.host_url.rstrip("/") if self.is_of_service else self.gateway.server

    # Hosts of viewers

    @staticmethod
    def read_hosts() -> None:
        """Read the hosts in the query; an invalid one is an error of the request."""
        try:
            flask.g.catalogue_hosts = hosts_in(flask.request.args)
        except ValueError as error:
            flask.abort(400, str(error))

    @property
    def given_hosts(self) -> dict[str, str]:
        """The hosts in the query of this request: ``neuroglancer``, ``catmaid``, ``ndviz`` and ``render``."""
        given: dict[str, str] = flask.g.get("catalogue_hosts", {})
        return given

    @property
    def host_fields(self) -> list[tuple[str, str, str]]:
        """Query word, title and present value of each host."""
        return [(name, title, self.given_hosts.get(name, "")) for name, title in HOSTS.items()]

    def host_of(self, viewer: str) -> str | None:
        """Return the address of a viewer: that of the query, else that of the site; None if there is none."""
        return self.given_hosts.get(viewer) or self.viewers.get(viewer)

    def keep_hosts(self, endpoint: str, values: dict[str, Any]) -> None:
        """Add the hosts of this request to the address of a page."""
        if is_page(endpoint):
            for name, host in self.given_hosts.items():
                values.setdefault(name, host)

    # Addresses

    def url_for(self, page: str, /, **values: Any) -> str:
        """Return the address of a page of this site."""
        return flask.url_for(f"{self.name}.{page}", **values)

    def url(self, shown: Any, **query: Any) -> str | None:
        """Return the address of the page of an object; None if the service cannot be asked for it."""
        key = shown._key._asdict()
        names = [value for name, value in key.items() if name in ("owner", "project", "stack", "collection")]
        if not all(map(is_reachable, names)):
            return None
        kind = shown.KIND
        if kind == "section":
            return self.url_for("section", **self._stack_values(key), z=double_text(key["z"]), **query)
        if kind == "tile":
            return self.url_for("tile", **self._stack_values(key), id=key["tile_id"], **query)
        if kind == "match_pair":
            sides = {"pg": key["p_group"], "p": key["p_id"], "qg": key["q_group"], "q": key["q_id"]}
            return self.url_for("pair", owner=key["owner"], collection=key["collection"], **sides, **query)
        return self.url_for(kind, **{name: key[name] for name in _PATHS[kind]}, **query)

    @staticmethod
    def _stack_values(key: Mapping[str, Any]) -> dict[str, Any]:
        return {name: key[name] for name in _PATHS["stack"]}

    def raw_url(self, endpoint: str, shown: Any, **more: Any) -> str:
        """Return the address of the unparsed answer of an endpoint for an object."""
        values = {name: value for name, value in shown._key._asdict().items() if value not in ((), None)}
        return self.url_for("raw", reading=endpoint, **values, **more)

    def with_query(self, **changes: Any) -> str:
        """Return the address of this page with some values of its query changed; None removes one."""
        query = {**flask.request.args.to_dict(), **changes}
        kept = {name: value for name, value in query.items() if value not in (None, "")}
        # Names in a query are anybody's, so they are not passed to url_for() as keywords.
        path = flask.url_for(flask.request.endpoint or "", **(flask.request.view_args or {})).partition("?")[0]
        return f"{path}?{urlencode(kept)}" if kept else path

    def links(self, shown: Any) -> list[tuple[str, str]]:
        """Return titles and addresses of an object in viewers; those that cannot show it are left out."""
        found = []
        for viewer, title in _VIEWERS.items():
            url = self._link(shown, viewer)
            if url is not None:
                found.append((title, url))
        return found

    def _link(self, shown: Any, viewer: str) -> str | None:
        try:
            url: str = shown.link(viewer, host=self.host_of(viewer))
        except (ConfigurationError, RecordError):
            return None
        return url

    def places(self, shown: Any) -> str:
        """
        Return the viewers of a stack or section as JSON, for scripts that link to places in it.

        Their addresses by viewer, and ``nm``, nanometres per pixel in x and y and between sections.
        """
        stack = getattr(shown, "stack", shown)
        found = {viewer: self._link(shown, viewer) for viewer in ("neuroglancer", "catmaid", "ndviz")}
        return json.dumps({"nm": stack.resolution_nm, **{viewer: url for viewer, url in found.items() if url}})

    def chart_readings(self, stack: Any) -> str:
        """Return titles and addresses of the readings of a layer as JSON, for scripts that add ``z=``."""
        readings = {"Bounds": "section.bounds", "Tile bounds": "section.tile_bounds", "Tiles": "section.resolved_tiles"}
        return json.dumps({title: self.raw_url(reading, stack) for title, reading in readings.items()})

    def lines(self, shown: Any) -> list[tuple[str, str]]:
        """Return the lines of Python and shell that reach an object."""
        kind, key = shown.KIND, tuple(shown._key)
        command = links.command_line(self.server, kind, key)
        lines = [("Python", links.python_line(self.server, kind, key))]
        return lines if command is None else [*lines, ("Command", command)]

    # Validity

    def version_of(self, stack: Any) -> str:
        """
        Return a word that changes with the stack; for a stack that may change unnoticed, a new one each time.

        The time of the last change is not enough: updates in place, of channels for example, leave it as it is.
        """
        if stack.state == "LOADING" or stack.modified is None:
            return f"now-{secrets.token_hex(6)}"
        return hashlib.blake2b(stack.load()._obj.to_json(), digest_size=9).hexdigest()

    def unchanged(self, stack: Any) -> flask.Response | None:
        """
        Return the answer for a browser that has this page of the stack already, else None.

        Notes
        -----
        ``stack.read``.
        """
        version = self.version_of(stack)
        if version.startswith("now-"):
            return None
        words = "\0".join((__version__, self.token, version, flask.request.full_path))
        tag = hashlib.blake2b(words.encode("utf-8", "replace"), digest_size=12).hexdigest()
        flask.g.catalogue_tag = tag
        if not flask.request.if_none_match.contains_weak(tag):
            return None
        return flask.Response(status=304)

    @staticmethod
    def keep(response: flask.Response, version: str | None) -> flask.Response:
        """Let browsers keep an answer whose address contains the version of its stack."""
        lasting = version is not None and not version.startswith("now-")
        response.headers["Cache-Control"] = _IMMUTABLE if lasting else "no-store"
        return response

    @staticmethod
    def finished(response: flask.Response) -> flask.Response:
        """Add validity to an answer, and answer conditional requests."""
        if response.status_code == 304 or (response.status_code == 200 and "Cache-Control" not in response.headers):
            response.headers["Cache-Control"] = _REVALIDATED
            tag = flask.g.get("catalogue_tag")
            if tag is not None:
                response.set_etag(tag, weak=True)
            elif not response.direct_passthrough:
                response.add_etag(weak=True)
            response.make_conditional(flask.request.environ)
        return response

    # Pages

    def page(self, template: str, **values: Any) -> Page:
        """Render a page; or its table as CSV, ``format=csv``."""
        if _wants_csv():
            for view in values.values():
                if isinstance(view, TableView):
                    text = cells.csv_of(view.columns, view.rows)
                    return flask.Response(text, content_type="text/csv; charset=utf-8")
        return flask.render_template(template, **values)

    def page_of(self, shown: Any, **values: Any) -> Page:
        """Render the page of an object with the template of its class."""
        return self.page(template_of(type(shown)), shown=shown, **values)

    def table(self, kind: str, objects: Any, *, table: Any = None, size: int = 100) -> Any:
        """Return the part of a table of objects that the query of this request asks for."""
        columns = columns_of(self.gateway.objects.registry[kind])
        size = max(1, len(objects)) if _wants_csv() else size
        return table_of(objects, columns, flask.request.args, table=table, size=size)

    def context(self) -> dict[str, Any]:
        """Return what all templates use."""
        return {"site": self, "show": show, "html": cells}
