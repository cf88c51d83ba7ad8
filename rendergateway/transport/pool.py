"""The pool of connections to one server."""

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
    requests' adapter for one server.

    What requests works out anew for each request (which pool, which certificates, how the URL is cut, cookies) is the
    same for every request to one server, and costs as much as the request itself; here it is worked out once.

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
        """Return the pool, made for the first request."""
        if self._pool is None:
            pool = super().get_connection_with_tls_context(request, verify, proxies=proxies, cert=cert)
            url = str(request.url)
            super().cert_verify(pool, url, verify, cert)
            pool.ConnectionCls = timed_connection_class(pool.ConnectionCls)
            self._sends_path = select_proxy(url, proxies) is None
            self._pool = pool
        return self._pool

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Do nothing: the pool was set up when it was made."""

    def request_url(self, request: requests.PreparedRequest, proxies: Any) -> str:
        """Return path and query; through a proxy, what requests makes of it."""
        if self._sends_path:
            return str(request.url).removeprefix(self._origin)
        return super().request_url(request, proxies)

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        """Return status, headers and the stream of the body; the service sets no cookies."""
        response = requests.Response()
        response.status_code = resp.status
        response.headers = CaseInsensitiveDict(resp.headers)
        response.raw = resp
        response.url = str(req.url)
        response.request = req
        return response

    def in_child(self) -> ServicePool:
        """Return another pool of that size, for a process that was forked: two processes cannot share a socket."""
        return ServicePool(self._base_url, self._size)

    def leave_to_parent(self) -> None:
        """Do nothing: to close a socket here would not end it there."""

    def close(self) -> None:
        """Close all connections."""
        self._pool = None
        super().close()
