"""What has locks or sockets starts anew in a process that was forked."""

from __future__ import annotations

import os
import threading
import weakref
from typing import Any, Protocol

__all__ = ["Forkable", "follow", "keep", "new_lock"]


class Forkable(Protocol):
    """Something that a forked process must not share."""

    def _in_child(self) -> None:
        """Replace locks, which may be held for ever here, and whatever the two processes would share."""


_kept: list[object] = []
_locks: weakref.WeakSet[threading.RLock] = weakref.WeakSet()
_followed: weakref.WeakSet[Forkable] = weakref.WeakSet()


def follow(one: Forkable) -> None:
    """See to it that *one* is told when the process was forked, as long as it lives."""
    _followed.add(one)


def keep(inherited: object) -> None:
    """Keep in this process what belongs to the one that it was forked from: to close it here would be felt there."""
    _kept.append(inherited)


def new_lock() -> threading.RLock:
    """Return a lock that a forked process finds free, though a thread that did not come along held it."""
    lock = threading.RLock()
    _locks.add(lock)
    return lock


def _after_fork() -> None:
    for lock in list(_locks):
        _set_free(lock)
    for one in list(_followed):
        one._in_child()


def _set_free(lock: Any) -> None:
    # The thread that forked goes on in the child, and gives back what it holds.
    if not lock._is_owned():
        lock._at_fork_reinit()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
