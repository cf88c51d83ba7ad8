"""The requests of one write: how long an unreachable service is waited for."""

from __future__ import annotations

import contextlib
import threading

import pytest

from rendergateway import ConnectionFailedError, ServerError
from rendergateway.wrappers.editing.upload import Uploader


class Clock(threading.Event):
    """An event whose waits end at once, and are recorded."""

    def __init__(self) -> None:
        super().__init__()
        self.pauses: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.pauses.append(timeout)
        return self.is_set()


class Broken:
    """Calls that fail a number of times, and then return 3."""

    def __init__(self, failures: int, error: Exception | None = None) -> None:
        self.failures, self.calls = failures, 0
        self.error = error or ConnectionFailedError("refused")

    def __call__(self) -> int:
        self.calls += 1
        if self.calls <= self.failures:
            raise self.error
        return 3


def test_pauses__grow() -> None:
    """A service is asked again after half a second, then after twice the time before, 10 s at most."""
    uploader = Uploader(workers=1, is_there=Broken(7), patience_s=1000.0, report=lambda count: None)
    uploader._given_up = clock = Clock()

    assert uploader.run([Broken(1)]) == 3
    assert clock.pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]


def test_given_up__is_not_repeated() -> None:
    """After another request has failed for good, a request is not made again, though the service is back."""
    uploader = Uploader(workers=1, is_there=Broken(0), patience_s=1000.0, report=lambda count: None)
    uploader._given_up.set()
    request = Broken(1)

    with pytest.raises(ConnectionFailedError):
        uploader.run([request])
    assert request.calls == 1


@pytest.mark.parametrize(("status", "calls"), [(500, 1), (501, 1), (502, 2), (503, 2), (504, 2)])
def test_status__of_a_service_that_restarts(status: int, calls: int) -> None:
    """A request is made again after an error of a gateway or of a service that starts, not after one of its own."""
    uploader = Uploader(workers=1, is_there=Broken(0), patience_s=1000.0, report=lambda count: None)
    request = Broken(1, ServerError("failed", status=status))

    with contextlib.nullcontext() if calls > 1 else pytest.raises(ServerError):
        uploader.run([request])
    assert request.calls == calls
