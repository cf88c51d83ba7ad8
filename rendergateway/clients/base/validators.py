"""The validator of tiles that several clients have as options."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import attrs

from rendergateway.clients.base.options import Options, option
from rendergateway.errors import CommandError

if TYPE_CHECKING:
    from rendergateway.model.tile_text.validators import TileValidator

__all__ = ["ValidatorOptions"]


@attrs.frozen
class ValidatorOptions(Options):
    """The validator that drops tiles before they are saved."""

    validator_class: str | None = option(help="TemTileSpecValidator or WarpedTileSpecValidator. Default: none.")
    validator_data: str | None = option(help="Limits of the validator: minSize:500,maxSize:5000.")

    def validators(self) -> tuple[TileValidator, ...]:
        """
        Return what rejects tiles; empty without a class.

        Raises
        ------
        CommandError
            If the class is unknown, or a limit is not a number.
        """
        if self.validator_class is None:
            return ()
        from rendergateway.model.tile_text.tile_checks import TileChecks

        make = _VALIDATORS.get(self.validator_class.rpartition(".")[2])
        if make is None:
            raise CommandError(f"validatorClass '{self.validator_class}' cannot be found")
        return TileChecks(files=True), make(_numbers(self.validator_data or ""))


def _numbers(data: str) -> dict[str, float]:
    """Return the numbers of ``name:value,name:value``."""
    numbers: dict[str, float] = {}
    for part in data.split(","):
        name, colon, text = part.partition(":")
        if colon:
            try:
                numbers[name.strip()] = float(text)
            except ValueError as error:
                raise CommandError(f"failed to parse '{name.strip()}' of validatorData: got {text!r}") from error
    return numbers


def _tem(limits: Mapping[str, float]) -> TileValidator:
    from rendergateway.model.tile_text.limits import TileLimits

    return TileLimits(
        min_coordinate=limits.get("minCoordinate", 0.0),
        max_coordinate=limits.get("maxCoordinate", 400_000.0),
        min_size=limits.get("minSize", 500.0),
        max_size=limits.get("maxSize", 5000.0),
    )


def _warped(limits: Mapping[str, float]) -> TileValidator:
    from rendergateway.model.tile_text.warp_limits import WarpLimits

    return WarpLimits(
        max_distance_px=limits.get("maxDeltaThreshold", 1000.0), samples=int(limits.get("samplesPerDimension", 64))
    )


_VALIDATORS: Mapping[str, Callable[[Mapping[str, float]], TileValidator]] = {
    "TemTileSpecValidator": _tem,
    "WarpedTileSpecValidator": _warped,
}
