"""``CopyMatchClient``: matches copied from one collection to another."""

from __future__ import annotations

import attrs

from rendergateway.clients.base.groups import MatchServiceOptions
from rendergateway.clients.base.options import Client, flag, group, many, option, required
from rendergateway.errors import CommandError

__all__ = ["CopyMatchClient"]


@attrs.frozen
class CopyMatchClient(Client):
    """Copy matches from one collection to another."""

    service: MatchServiceOptions = group(MatchServiceOptions)
    to_owner: str | None = option(help="Owner of the target collection. Default: that of the source.")
    to_collection: str = required("Collection that will contain the matches.")
    p_group_id: tuple[str, ...] = many("Groups to copy. Default: all.")
    remove_existing: bool = flag("Delete the matches that the target collection has in a group before it is copied.")

    def run(self) -> None:
        """Copy group by group."""
        if (self.to_owner or self.service.owner, self.to_collection) == (self.service.owner, self.service.collection):
            raise CommandError(f"collection {self.to_collection} cannot be copied onto itself")
        with self.service.gateway() as gateway:
            gateway.match_collection(self.service.collection).copy_to(
                self.to_collection,
                owner=self.to_owner,
                groups=self.p_group_id or None,
                exist_ok=True,
                replace_groups=self.remove_existing,
            )
