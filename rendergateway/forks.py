"""Fork safety: locks and connections are replaced in a forked process."""

from __future__ import annotations

import os
import threading
import weakref
from typing import Any, Protocol

__all__ = ["Forkable", "follow", "keep", "new_lock"]


class Forkable(Protocol):
    """An object with state that a forked process must not share."""

    def _in_child(self) -> None:
        """Replace locks, which no thread of this process will ever release, and any state shared with the parent."""


_kept: list[object] = []
_locks: weakref.WeakSet[threading.RLock] = weakref.WeakSet()
_followed: weakref.WeakSet[Forkable] = weakref.WeakSet()


def follow(one: Forkable) -> None:
    """Call ``one._in_child()`` in each forked process, as long as *one* is alive."""
    _followed.add(one)


def keep(inherited: object) -> None:
    """Keep an inherited object alive: garbage collection would close a resource that the parent process still uses."""
    _kept.append(inherited)


def new_lock() -> threading.RLock:
    """Return a lock that is free in a forked process, even if a thread of the parent held it."""
    lock = threading.RLock()
    _locks.add(lock)
    return lock


def _after_fork() -> None:
    for lock in list(_locks):
        _set_free(lock)
    for one in list(_followed):
        one._in_child()


def _set_free(lock: Any) -> None:
    # The forking thread continues in the child and releases the locks that it holds itself.
    if not lock._is_owned():
        lock._at_fork_reinit()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
