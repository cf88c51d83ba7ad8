"""Fixtures of the clients of tiles: those of the clients of stacks."""

from tests.clients.stacks.conftest import gateway, run, stack

__all__ = ["gateway", "run", "stack"]
