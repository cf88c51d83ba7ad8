"""The connection to one service: a pool, and each request with its attempts."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

import requests
from requests.structures import CaseInsensitiveDict

from rendergateway.errors import AnswerError, RequestError, TimedOutError, refusal
from rendergateway.transport.answer import Answer, TooLargeError, read_body
from rendergateway.transport.blocks import is_single_attempt
from rendergateway.transport.credentials.basic import Credentials
from rendergateway.transport.environment import proxy_and_certificates
from rendergateway.transport.exchange import Exchange, Hooks, Outgoing
from rendergateway.transport.failures import LIBRARY_ERRORS, explain, is_permanent
from rendergateway.transport.limits import Limits, limited
from rendergateway.transport.pool import ServicePool
from rendergateway.transport.settings import Settings

__all__ = ["Carrier", "Connection"]

_log = logging.getLogger("rendergateway")
_log.addHandler(logging.NullHandler())

_UNAUTHORIZED = 401


class Carrier(Protocol):
    """A requests adapter with fork handling."""

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = ...,
        timeout: Any = ...,
        verify: Any = ...,
        cert: Any = ...,
        proxies: Any = ...,
    ) -> requests.Response:
        """Send a request and return the response."""
        ...

    def in_child(self) -> Carrier:
        """Return an equal adapter for a forked process that shares nothing with the parent's."""
        ...

    def leave_to_parent(self) -> None:
        """Called in a forked process: abandon inherited resources without closing them; must not block."""

    def close(self) -> None:
        """Close all connections."""


class Connection:
    """
    The connection to one service.

    Parameters
    ----------
    base_url : str
        Base URL up to and including ``/v1``.
    settings : Settings
        Limits, pool, retries and headers.
    carrier : Carrier, optional
        The adapter that sends the requests; a pool of HTTP connections by default.
    shared : Connection, optional
        Another connection with the same carrier, to share its limit of concurrent requests.
    hooks : Hooks, optional
        Callbacks for each request.
    sleep : callable
        Waits between attempts.
    """

    def __init__(
        self,
        base_url: str,
        settings: Settings,
        *,
        carrier: Carrier | None = None,
        shared: Connection | None = None,
        hooks: Hooks | None = None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.base_url = base_url
        self.settings = settings
        self.hooks = hooks if hooks is not None else Hooks()
        self.carrier: Carrier = carrier or ServicePool(base_url, settings.pool_size)
        self._headers = {"Accept": "*/*", "Accept-Encoding": "identity", **settings.headers}
        self._sleep = sleep
        self._counters: list[list[str]] = []
        self._shared = shared
        # Looked up for the first request; a service in this process needs neither proxy nor certificates.
        self._environment: dict[str, Any] | None = None if isinstance(self.carrier, ServicePool) else {}
        self._lock = threading.Lock()
        self._free: threading.BoundedSemaphore | None = None
        if settings.pool_block:
            self._free = shared._free if shared is not None else threading.BoundedSemaphore(settings.pool_size)

    def send(self, outgoing: Outgoing, credentials: Credentials | None = None) -> Answer:
        """
        Send a request, with retries if it is safe to repeat, and return its answer.

        Parameters
        ----------
        outgoing : Outgoing
            The request.
        credentials : Credentials, optional
            Sign each attempt. Redirections are not followed, so credentials are sent to this service only.

        Raises
        ------
        ConnectionFailedError, TimedOutError, AnswerError
            If no complete answer arrives.
        ServiceError, AddressError
            If the answer is a refusal, according to `rendergateway.errors.refusal`.
        """
        connection: Connection | None = self
        while connection is not None:
            for counter in connection._counters:
                counter.append(outgoing.endpoint)
            connection = connection._shared
        return _Attempts(self, outgoing, credentials).run()

    def count_into(self, counter: list[str]) -> Callable[[], None]:
        """Append the endpoint of each further request to *counter*; return a function that stops this."""
        with self._lock:
            self._counters = [*self._counters, counter]

        def stop() -> None:
            with self._lock:
                self._counters = [other for other in self._counters if other is not counter]

        return stop

    def exchange(self, outgoing: Outgoing, signature: Mapping[str, str], limits: Limits) -> requests.Response:
        """Send one attempt through the carrier."""
        headers = {**self._headers, **signature}
        if outgoing.content_type is not None:
            headers["Content-Type"] = outgoing.content_type
        if outgoing.body is not None or outgoing.method in ("PUT", "POST"):
            headers["Content-Length"] = str(len(outgoing.body or b""))
        request = requests.PreparedRequest()
        request.method = outgoing.method
        request.url = self.base_url + outgoing.path
        request.headers = CaseInsensitiveDict(headers)
        request.body = outgoing.body
        timeout = (min(limits.connect_s, limits.left_s), limits.next_s)
        if self._environment is None:
            self._environment = proxy_and_certificates(self.base_url, self.settings)
        return self.carrier.send(request, stream=True, timeout=timeout, **self._environment)

    def place_in_pool(self, limits: Limits) -> AbstractContextManager[None]:
        """Wait for a free connection if their number is limited; `TimeoutError` if none becomes free in time."""
        return _UNLIMITED if self._free is None else _place(self._free, limits)


_UNLIMITED = contextlib.nullcontext()


@contextlib.contextmanager
def _place(free: threading.Semaphore, limits: Limits) -> Iterator[None]:
    if not free.acquire(timeout=limits.left_s):
        raise TimeoutError("no free connection")
    try:
        yield
    finally:
        free.release()


class _Attempts:
    """The attempts at one request."""

    def __init__(self, connection: Connection, outgoing: Outgoing, credentials: Credentials | None) -> None:
        self.connection = connection
        self.settings = connection.settings
        self.outgoing = outgoing
        self.credentials = credentials
        self.url = connection.base_url + outgoing.path
        self.start = time.monotonic()
        settings = connection.settings
        self.limits = Limits(settings.timeout_s, settings.data_timeout_s, self.start + settings.budget_s)
        self.attempt = 0
        self.renewed = False
        self.signature: dict[str, str] = {}

    def run(self) -> Answer:
        while True:
            self.attempt += 1
            self._sign()
            self._notify(self.connection.hooks.on_request)
            try:
                answer = self._once()
            except RequestError as error:
                self._notify(self.connection.hooks.on_error)
                _log.debug("%s %s failed: %s", self.outgoing.method, self.url, error)
                cause = error.__cause__
                if isinstance(error, AnswerError) or (cause and is_permanent(cause)) or not self._again(None):
                    raise
                continue
            if answer.status < 300:
                return answer
            if not self._should_repeat(answer):
                raise refusal(answer.status, answer.sentence, location=answer.location, **self._facts())

    def _sign(self) -> None:
        if self.credentials is not None:
            self.signature = {}
            self.credentials.sign(self.signature)

    def _once(self) -> Answer:
        limits = self.limits
        try:
            with self.connection.place_in_pool(limits), limited(limits):
                response = self.connection.exchange(self.outgoing, self.signature, limits)
                with response:
                    # Of each attempt its own: what a failed one wrote is forgotten.
                    made = self.outgoing.sink() if self.outgoing.sink is not None else None
                    body, sink, size, end = read_body(response, self.settings.answer_limit, made)
        except TooLargeError as error:
            raise AnswerError(
                f"the answer is longer than {self.settings.answer_limit} bytes; request less at once, or increase "
                "Gateway(answer_limit=…)",
                **self._facts(),
            ) from error
        except LIBRARY_ERRORS as error:
            raise self._failure(error) from error
        answer = Answer(
            response.status_code,
            response.headers,
            body,
            self.outgoing.method,
            self.url,
            self.attempt,
            self._elapsed_s,
            sink,
            size,
            end,
        )
        self._notify(self.connection.hooks.on_response, answer)
        return answer

    def _should_repeat(self, answer: Answer) -> bool:
        if answer.status == _UNAUTHORIZED and self.credentials is not None and not self.renewed:
            self.renewed = True
            return self.credentials.refresh(self.signature.get("Authorization"))
        if answer.status not in self.settings.retries.statuses:
            return False
        return self._again(answer.headers.get("Retry-After"))

    def _again(self, retry_after: str | None) -> bool:
        """Wait for the next attempt; return False if attempts or budget are exhausted, or repeating is not safe."""
        retries = self.settings.retries
        if not self.outgoing.is_safe or self.attempt > retries.total or is_single_attempt():
            return False
        wait_s = retries.wait_s(self.attempt, retry_after)
        if self._elapsed_s + wait_s >= self.settings.budget_s:
            return False
        self.connection._sleep(wait_s)
        return True

    @property
    def _elapsed_s(self) -> float:
        return time.monotonic() - self.start

    def _failure(self, error: Exception) -> RequestError:
        server, connect_s, data_s = self.connection.base_url, self.limits.connect_s, self.limits.data_s
        error_class, is_open, message = explain(error, server, connect_s, data_s)
        if self._elapsed_s >= self.settings.budget_s:
            error_class = TimedOutError
            message = (
                f"{server} did not finish within {self.settings.budget_s:g} s; request less at once, or increase "
                "Gateway(budget_s=…)"
            )
        if is_open and not self.outgoing.is_safe:
            message += ". The request was not repeated: it is unknown whether it took effect"
        return error_class(message, **self._facts())

    def _facts(self) -> dict[str, Any]:
        return {
            "method": self.outgoing.method,
            "url": self.url,
            "attempts": self.attempt,
            "elapsed_s": self._elapsed_s,
        }

    def _notify(self, listeners: list[Callable[[Exchange], object]], answer: Answer | None = None) -> None:
        if not listeners and (answer is None or not _log.isEnabledFor(logging.DEBUG)):
            return
        exchange = Exchange(
            endpoint=self.outgoing.endpoint,
            method=self.outgoing.method,
            url=self.url,
            status=answer.status if answer else None,
            attempt=self.attempt,
            elapsed_s=self._elapsed_s,
            sent_bytes=len(self.outgoing.body or b""),
            received_bytes=answer.size if answer else 0,
        )
        if answer is not None:
            _log.debug("%s", exchange)
        for listener in listeners:
            listener(exchange)
