"""Options that several clients share."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import attrs

from rendergateway.clients.base.options import Options, flag, option, required
from rendergateway.errors import CommandError
from rendergateway.gateway import Gateway

if TYPE_CHECKING:
    from rendergateway.wrappers import MatchCollectionWrapper

__all__ = ["ClusterOptions", "MatchServiceOptions", "ServiceOptions"]

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


@attrs.frozen
class ClusterOptions(Options):
    """The matches that connect tiles, and which clusters of connected tiles are small."""

    match_owner: str | None = option(help="Owner of the match collection. Default: that of the stacks.")
    match_collection: str | None = option(help="Match collection.")
    max_small_cluster_size: int | None = option(help="Most tiles of a small cluster.")
    small_cluster_factor: float | None = option(
        help="The same as a fraction of the largest cluster of the section, unless the number is given."
    )
    include_matches_outside_group: bool = flag(
        "Use matches of tiles of different sections, as of reacquired ones, too."
    )

    def matches(self, gateway: Gateway) -> MatchCollectionWrapper:
        """
        Return the match collection.

        Raises
        ------
        CommandError
            If it is not given.
        """
        if self.match_collection is None:
            raise CommandError(
                "--matchCollection must be specified when --maxSmallClusterSize or --smallClusterFactor is specified"
            )
        return gateway.match_collection(self.match_collection, owner=self.match_owner)
