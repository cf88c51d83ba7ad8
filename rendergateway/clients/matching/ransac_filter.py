"""``RansacFilterClient``: matches of a file, filtered by agreement on a transform."""

from __future__ import annotations

from pathlib import Path

import attrs

from rendergateway.batch.match import filter_file
from rendergateway.clients.base.options import Client, group, option, required
from rendergateway.clients.matching.options import MatchDerivationParameters

__all__ = ["RansacFilterClient"]


@attrs.frozen
class RansacFilterClient(Client):
    """Filter candidate matches of a file."""

    matches: MatchDerivationParameters = group(MatchDerivationParameters)
    render_scale: float = option(1.0, help="Scale of the pictures that the candidates were found in.")
    candidate_file: str = required("File with a JSON array of candidate matches.")
    output_directory: str = required("Folder of the file of the filtered matches, which has the same name.")

    def run(self) -> None:
        """Filter the matches."""
        target = Path(self.output_directory) / Path(self.candidate_file).name
        count = filter_file(self.candidate_file, target, self.matches.rule(), scale=self.render_scale)
        print(f"wrote the matches of {count} pairs to {target}", flush=True)
