"""``ImportMatchClient``: matches from files into a collection."""

from __future__ import annotations

import attrs

from rendergateway.clients.base.groups import MatchServiceOptions
from rendergateway.clients.base.options import Client, group, option, positional
from rendergateway.errors import CommandError

__all__ = ["ImportMatchClient"]


@attrs.frozen
class ImportMatchClient(Client):
    """Save the matches of files in a collection."""

    service: MatchServiceOptions = group(MatchServiceOptions)
    batch_size: int = option(10000, help="Most pairs of one request.")
    canvas_matches_files: tuple[str, ...] = positional("list of canvas match data files (.json or .json.gz)")

    def run(self) -> None:
        """Save the files one after another; those before an invalid one stay saved."""
        if self.batch_size < 1:
            raise CommandError(f"--batchSize must be >= 1: got {self.batch_size}")
        with self.service.gateway() as gateway:
            matches = gateway.match_collection(self.service.collection)
            for path in self.canvas_matches_files:
                saved = matches.put_files(path, duplicates="replace", batch=self.batch_size)
                print(f"saved {saved} matches from {path}", flush=True)
