"""``UpdateMatchCountsClient``: numbers of matches stored with their pairs."""

from __future__ import annotations

import math

import attrs

from rendergateway.clients.base.groups import MatchServiceOptions
from rendergateway.clients.base.options import Client, group, required
from rendergateway.errors import CommandError

__all__ = ["UpdateMatchCountsClient"]


@attrs.frozen
class UpdateMatchCountsClient(Client):
    """Let the service count the matches of each pair, for some of the groups of a collection."""

    service: MatchServiceOptions = group(MatchServiceOptions)
    total_number_of_jobs: int = required("Number of jobs among which the groups are divided.")
    job_index: int = required("Number of this job, from 0.")

    def run(self) -> None:
        """Update the groups of this job."""
        if self.total_number_of_jobs < 1 or self.job_index < 0:
            raise CommandError(
                "--totalNumberOfJobs must be >= 1 and --jobIndex >= 0: "
                f"got {self.total_number_of_jobs} and {self.job_index}"
            )
        with self.service.gateway() as gateway:
            matches = gateway.match_collection(self.service.collection)
            groups = matches.groups(side="p").ids
            size = math.ceil(len(groups) / self.total_number_of_jobs)
            start = self.job_index * size
            matches.update_counts(groups[start : start + size])
