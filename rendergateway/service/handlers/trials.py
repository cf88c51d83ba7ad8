"""Match trials, which this service cannot run: it has no feature matcher."""

from __future__ import annotations

import re
from typing import Any

from rendergateway.service.base.refusals import IllegalArgument, NotBuilt, NotFound
from rendergateway.service.store import Store

_ID = re.compile(r"[0-9a-fA-F]{24}")


def trial_run(store: Store, *, owner: str, body: dict[str, Any] | None) -> None:
    """Refuse to run a trial, after validating the request."""
    if body is None:
        raise IllegalArgument("no parameters provided")
    parameters = body.get("featureAndMatchParameters")
    if not isinstance(parameters, dict):
        raise IllegalArgument("featureAndMatchParameters are not defined")
    if parameters.get("siftFeatureParameters") is None:
        raise IllegalArgument("siftFeatureParameters must be defined")
    raise NotBuilt("trial.run is not implemented: the embedded service has no feature matcher")


def trial_read(store: Store, *, owner: str, trial_id: str) -> None:
    """Refuse: no trial exists."""
    _check_id(trial_id)
    raise NotFound(f"match trial with id '{trial_id}' does not exist in the match.aaa_match_trial collection")


def trial_delete(store: Store, *, owner: str, trial_id: str) -> None:
    """Validate the id; no trial exists to be deleted."""
    _check_id(trial_id)


def _check_id(trial_id: str) -> None:
    if not _ID.fullmatch(trial_id):
        raise IllegalArgument(f"invalid hexadecimal representation of an ObjectId: [{trial_id}]")
