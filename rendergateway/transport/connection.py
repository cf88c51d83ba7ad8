"""The way to one service: a pool of connections, and one request with all its attempts."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import requests
import urllib3
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from rendergateway.errors import AnswerError, ConnectionFailedError, TimedOutError, refusal
from rendergateway.transport.answer import Answer, read_body
from rendergateway.transport.credentials import Credentials
from rendergateway.transport.hooks import Exchange, Hooks
from rendergateway.transport.outgoing import Outgoing
from rendergateway.transport.pool import ServicePool
from rendergateway.transport.retries import Retries

__all__ = ["Connection"]

_log = logging.getLogger("rendergateway")
_log.addHandler(logging.NullHandler())

_UNAUTHORIZED = 401
_TIMED_OUT = (requests.Timeout, urllib3.exceptions.TimeoutError)
_GARBLED = (requests.exceptions.ContentDecodingError, urllib3.exceptions.DecodeError)
_LOST = (requests.RequestException, urllib3.exceptions.HTTPError, OSError)


class Connection:
    """
    The way to one service.

    Parameters
    ----------
    base_url : str
        Up to and including ``/v1``.
    adapter : requests.adapters.BaseAdapter, optional
        What carries the requests; a pool of HTTP connections unless given.
    credentials : Credentials, optional
        Sign each request to this service; redirections are not followed, so they go nowhere else.
    retries : Retries
        When a request is sent again.
    timeout_s, data_timeout_s, budget_s : float
        Seconds to wait for a connection, for each next piece of an answer, and for a request with all its attempts.
    headers : mapping
        Sent with every request.
    hooks : Hooks, optional
        Who is told of each request.
    sleep : callable
        Waits between attempts.
    """

    def __init__(
        self,
        base_url: str,
        *,
        adapter: BaseAdapter | None = None,
        pool_size: int = 16,
        pool_block: bool = False,
        credentials: Credentials | None = None,
        retries: Retries | None = None,
        timeout_s: float = 10.0,
        data_timeout_s: float = 120.0,
        budget_s: float = 900.0,
        headers: Mapping[str, str] | None = None,
        hooks: Hooks | None = None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.base_url = base_url
        self.credentials = credentials
        self.hooks = hooks if hooks is not None else Hooks()
        self.retries = retries if retries is not None else Retries()
        self.timeout_s, self.data_timeout_s, self.budget_s = timeout_s, data_timeout_s, budget_s
        self._adapter = adapter or ServicePool(base_url, pool_maxsize=pool_size, pool_block=pool_block)
        self._headers = {"Accept": "*/*", "Accept-Encoding": "identity", **(headers or {})}
        self._sleep = sleep
        self._counters: list[list[str]] = []
        self._environment: dict[str, Any] | None = None
        self._lock = threading.Lock()

    def send(self, outgoing: Outgoing) -> Answer:
        """
        Make a request, again where that is safe and worth it, and return its answer.

        Raises
        ------
        ConnectionFailedError, TimedOutError, AnswerError
            If there is no complete answer.
        ServiceError, AddressError
            If the answer is a refusal, as `rendergateway.errors.refusal` reads it.
        """
        for counter in self._counters:
            counter.append(outgoing.endpoint)
        return _Attempts(self, outgoing).run()

    def close(self) -> None:
        """Close the pool."""
        self._adapter.close()

    def count_into(self, counter: list[str]) -> Callable[[], None]:
        """Append the endpoint of each request from now on to *counter*; return what ends that."""
        with self._lock:
            self._counters = [*self._counters, counter]

        def stop() -> None:
            with self._lock:
                self._counters = [other for other in self._counters if other is not counter]

        return stop

    def exchange(self, outgoing: Outgoing) -> requests.Response:
        """Send one prepared request through the adapter."""
        headers = dict(self._headers)
        if outgoing.content_type is not None:
            headers["Content-Type"] = outgoing.content_type
        if outgoing.body is not None or outgoing.method in ("PUT", "POST"):
            headers["Content-Length"] = str(len(outgoing.body or b""))
        if self.credentials is not None:
            self.credentials.sign(headers)
        request = requests.PreparedRequest()
        request.method = outgoing.method
        request.url = self.base_url + outgoing.path
        request.headers = CaseInsensitiveDict(headers)
        request.body = outgoing.body
        timeout = (self.timeout_s, self.data_timeout_s)
        return self._adapter.send(request, stream=True, timeout=timeout, **self._settings())

    def _settings(self) -> dict[str, Any]:
        """Proxies and certificates, as requests takes them from the environment; looked up once."""
        if self._environment is None:
            with requests.Session() as session:
                settings = session.merge_environment_settings(self.base_url, {}, True, None, None)
            self._environment = {name: settings[name] for name in ("proxies", "verify", "cert")}
        return self._environment


class _Attempts:
    """All attempts at one request."""

    def __init__(self, connection: Connection, outgoing: Outgoing) -> None:
        self.connection = connection
        self.outgoing = outgoing
        self.url = connection.base_url + outgoing.path
        self.start = time.monotonic()
        self.attempt = 0
        self.renewed = False

    def run(self) -> Answer:
        while True:
            self.attempt += 1
            self._tell(self.connection.hooks.on_request)
            try:
                answer = self._once()
            except (ConnectionFailedError, TimedOutError) as error:
                self._tell(self.connection.hooks.on_error)
                if not self._again(None):
                    raise
                _log.debug("%s; trying again", error)
                continue
            if answer.status < 300:
                return answer
            if not self._worth_another(answer):
                raise refusal(answer.status, answer.sentence, **self._facts())

    def _once(self) -> Answer:
        try:
            response = self.connection.exchange(self.outgoing)
            with response:
                answer = Answer(
                    response.status_code,
                    response.headers,
                    read_body(response, self._check_time),
                    self.outgoing.method,
                    self.url,
                )
        except _TIMED_OUT as error:
            raise TimedOutError(self._failure("did not answer in time", error), **self._facts()) from error
        except _GARBLED as error:
            raise AnswerError(self._failure("sent what cannot be decompressed", error), **self._facts()) from error
        except _LOST as error:
            raise ConnectionFailedError(self._failure("cannot be reached", error), **self._facts()) from error
        self._tell(self.connection.hooks.on_response, answer)
        return answer

    def _worth_another(self, answer: Answer) -> bool:
        if answer.status == _UNAUTHORIZED and self.connection.credentials is not None and not self.renewed:
            self.renewed = True
            return self.connection.credentials.refresh()
        if answer.status not in self.connection.retries.statuses:
            return False
        return self._again(answer.headers.get("Retry-After"))

    def _again(self, retry_after: str | None) -> bool:
        """Wait before another attempt; False where there is to be none."""
        retries = self.connection.retries
        if not self.outgoing.is_safe or self.attempt > retries.total:
            return False
        wait_s = retries.wait_s(self.attempt, retry_after, time.time())
        if self._elapsed_s + wait_s > self.connection.budget_s:
            return False
        self.connection._sleep(wait_s)
        return True

    @property
    def _elapsed_s(self) -> float:
        return time.monotonic() - self.start

    def _check_time(self) -> None:
        if self._elapsed_s > self.connection.budget_s:
            raise TimedOutError(
                f"{self.connection.base_url} was still sending after {self.connection.budget_s} s; "
                "ask for less at once, or give Gateway(budget_s=…) more",
                **self._facts(),
            )

    def _failure(self, what: str, error: Exception) -> str:
        return f"{self.connection.base_url} {what} ({type(error).__name__}); check address and network"

    def _facts(self) -> dict[str, Any]:
        return {
            "method": self.outgoing.method,
            "url": self.url,
            "attempts": self.attempt,
            "elapsed_s": self._elapsed_s,
        }

    def _tell(self, listeners: list[Callable[[Exchange], object]], answer: Answer | None = None) -> None:
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
            received_bytes=len(answer.content) if answer else 0,
        )
        if answer is not None:
            _log.debug("%s", exchange)
        for listener in listeners:
            listener(exchange)
