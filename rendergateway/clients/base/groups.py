"""Options that several clients share."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import attrs

from rendergateway.clients.base.options import Options, required
from rendergateway.gateway import Gateway

__all__ = ["MatchServiceOptions", "ServiceOptions"]

_BASE_URL = "Base URL of the service (http://host:port/render-ws/v1), or embedded:PATH for a database file."


@attrs.frozen
class ServiceOptions(Options):
    """The service, and the owner and project of the client's stacks."""

    base_data_url: str = required(_BASE_URL)
    owner: str = required("Owner of the stacks.")
    project: str = required("Project of the stacks.")

    @contextlib.contextmanager
    def gateway(self, **options: Any) -> Iterator[Gateway]:
        """Yield a gateway to the service, with the default owner and project and other *options* of `Gateway`."""
        gateway = Gateway(self.base_data_url, owner=self.owner, project=self.project, **options)
        with contextlib.closing(gateway):
            yield gateway


@attrs.frozen
class MatchServiceOptions(Options):
    """The service, and the owner and name of a match collection."""

    base_data_url: str = required(_BASE_URL)
    owner: str = required("Owner of the match collection.")
    collection: str = required("Name of the match collection.")

    @contextlib.contextmanager
    def gateway(self) -> Iterator[Gateway]:
        """Yield a gateway to the service, with the default owner."""
        with contextlib.closing(Gateway(self.base_data_url, owner=self.owner)) as gateway:
            yield gateway
