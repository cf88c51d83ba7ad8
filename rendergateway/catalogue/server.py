"""The catalogue as a site of its own: the Flask application, and a server on loopback."""

from __future__ import annotations

import functools
import logging
import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import attrs

from rendergateway.catalogue.blueprint import blueprint, error_page, secured
from rendergateway.catalogue.site import Site
from rendergateway.endpoints.address import EMBEDDED, LOOPBACK_HOSTS
from rendergateway.errors import ConfigurationError
from rendergateway.extras import needed_for

with needed_for("the catalogue"):
    import flask

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from rendergateway.gateway import Gateway

__all__ = ["ServedPages", "application", "serve_pages"]


def application(gateway: Gateway | Callable[[], Gateway], **options: Any) -> flask.Flask:
    """
    Return the catalogue as a WSGI application of its own.

    Parameters
    ----------
    gateway, **options
        As for `blueprint`.
    """
    app = flask.Flask("rendergateway.catalogue", static_folder=None, template_folder=None)
    made = blueprint(gateway, **options)
    app.register_blueprint(made)
    opened: Callable[[], Gateway] = gateway if callable(gateway) else lambda: gateway
    site = Site(opened, made.name, options.get("hosts"), {}, bool(options.get("is_of_service")))
    # An address without a page belongs to no blueprint.
    for code in (404, 405):
        app.register_error_handler(code, functools.partial(error_page, site))
    app.after_request(secured)
    return app


@attrs.frozen
class ServedPages:
    """
    The pages of an embedded service, for `rendergateway.service.serve.serve`; can be sent to its other processes.

    Parameters
    ----------
    path : Path
        The database.
    images : sequence of Path
        Folders below which images may be read.
    remote_images : sequence of str
        Hosts whose images may be read.
    tile_limit : int, optional
        Of the service.
    filters : path, optional
        JSON file of named filter lists.
    """

    path: Path
    images: Sequence[str] = ()
    remote_images: Sequence[str] = ()
    tile_limit: int | None = None
    filters: str | None = None

    @property
    def address(self) -> str:
        """The address of the same service within this process."""
        values: list[tuple[str, str]] = [("images", folder) for folder in self.images or ("",)]
        values += [("remote_images", host) for host in self.remote_images]
        if self.tile_limit is not None:
            values.append(("tile_limit", str(self.tile_limit)))
        if self.filters is not None:
            values.append(("filters", self.filters))
        return f"{EMBEDDED}{quote(str(self.path))}?{urlencode(values)}"

    def __call__(self) -> WSGIApplication:
        """Return the pages; the service checks the hosts of requests."""
        from rendergateway.gateway import Gateway

        log_to_stderr()
        return application(Gateway(self.address), is_of_service=True).wsgi_app


def log_to_stderr() -> None:
    """Print failures of pages, with their tracebacks, unless the process has set up logging of its own."""
    log = logging.getLogger("rendergateway.catalogue")
    if not (log.handlers or logging.getLogger().handlers):
        log.addHandler(logging.StreamHandler())


def serve_pages(
    gateway: Gateway,
    *,
    host: str = "127.0.0.1",
    port: int = 8090,
    viewers: Mapping[str, str] | None = None,
    on_ready: Callable[[str], object] = print,
) -> None:
    """
    Serve the catalogue of a service until the process is interrupted.

    Parameters
    ----------
    gateway : Gateway
        The service.
    host, port
        Address to listen on; port 0 selects a free port.
    viewers : mapping of str, optional
        As for `blueprint`.
    on_ready : callable, optional
        Called with the address once the catalogue listens; by default it is printed.

    Raises
    ------
    ConfigurationError
        If the port is in use.
    """
    with needed_for("the catalogue"):
        from werkzeug.serving import WSGIRequestHandler, make_server

    class Handler(WSGIRequestHandler):
        """Connections that last, and no log of requests."""

        protocol_version = "HTTP/1.1"

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Do nothing."""

    log_to_stderr()
    hosts = () if host in LOOPBACK_HOSTS else (host, socket.gethostname(), socket.getfqdn())
    app = application(gateway, hosts=hosts, viewers=viewers)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    try:
        server = make_server(host, port, app, threaded=True, request_handler=Handler)
    except (OSError, SystemExit) as error:
        raise ConfigurationError(f"cannot listen on {host}:{port}; choose another port") from error
    shown = f"[{host}]" if ":" in host else host
    on_ready(f"http://{shown}:{server.port}/")
    try:
        server.serve_forever()
    finally:
        server.server_close()
