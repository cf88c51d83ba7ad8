"""Connection pool for one server."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import select_proxy

from rendergateway.transport.limits import timed_connection_class

__all__ = ["ServicePool"]


class ServicePool(HTTPAdapter):
    """
    Adapter of the package requests for one server.

    The pool, certificates and URL parts, which requests determines for each request at about the cost of the request
    itself, are the same for all requests to a server and are determined once.

    Parameters
    ----------
    base_url : str
        Any URL of the server.
    size : int
        Connections kept open.
    """

    def __init__(self, base_url: str, size: int) -> None:
        super().__init__(pool_maxsize=size)
        self._base_url, self._size = base_url, size
        split = urlsplit(base_url)
        self._origin = f"{split.scheme}://{split.netloc}"
        self._pool: Any = None
        self._sends_path: bool | None = None

    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, verify: Any, proxies: Any = None, cert: Any = None
    ) -> Any:
        """Return the pool, created for the first request."""
        if self._pool is None:
            pool = super().get_connection_with_tls_context(request, verify, proxies=proxies, cert=cert)
            url = str(request.url)
            super().cert_verify(pool, url, verify, cert)
            pool.ConnectionCls = timed_connection_class(pool.ConnectionCls)
            self._sends_path = select_proxy(url, proxies) is None
            self._pool = pool
        return self._pool

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Do nothing: certificates were set when the pool was created."""

    def request_url(self, request: requests.PreparedRequest, proxies: Any) -> str:
        """Return path and query; for a proxy, the URL that requests builds."""
        if self._sends_path:
            return str(request.url).removeprefix(self._origin)
        return super().request_url(request, proxies)

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        """Return status, headers and body stream, without cookies, which the service does not use."""
        # http.client reads the chunks: urllib3 checks neither their sizes nor the length of their lines.
        resp.chunked = False
        response = requests.Response()
        response.status_code = resp.status
        response.headers = CaseInsensitiveDict(resp.headers)
        response.raw = resp
        response.url = str(req.url)
        response.request = req
        return response

    def in_child(self) -> ServicePool:
        """Return a new pool of that size for a forked process: two processes cannot share a socket."""
        return ServicePool(self._base_url, self._size)

    def leave_to_parent(self) -> None:
        """Do nothing: the parent's sockets stay open."""

    def close(self) -> None:
        """Close all connections."""
        self._pool = None
        super().close()
