"""Match trials: run, read and deleted by id."""

from __future__ import annotations

import re
import secrets
import time
from typing import Any

from rendergateway.service.base.options import Options
from rendergateway.service.base.refusals import IllegalArgument, NotFound
from rendergateway.service.domain.trials import trial_document
from rendergateway.service.http.call import Later
from rendergateway.service.store import Store
from rendergateway.wire import encode

_ID = re.compile(r"[0-9a-fA-F]{24}")


def trial_run(store: Store, *, owner: str, body: dict[str, Any] | None, options: Options) -> Later:
    """Match two pictures; store the result under a new id."""
    if body is None:
        raise IllegalArgument("no parameters provided")
    parameters = body.get("featureAndMatchParameters")
    if not isinstance(parameters, dict):
        raise IllegalArgument("featureAndMatchParameters are not defined")
    if parameters.get("siftFeatureParameters") is None:
        raise IllegalArgument("siftFeatureParameters must be defined")
    document = trial_document(store, body, options)
    # As the ids of the real service's database: seconds since 1970, then random.
    trial_id = f"{int(time.time()):08x}{secrets.token_hex(8)}"

    def save(writable: Store) -> bytes:
        writable.trials.save(trial_id, encode(document))
        return encode({"id": trial_id, **document})

    return Later(save)


def trial_read(store: Store, *, owner: str, trial_id: str) -> bytes:
    """Return a trial."""
    text = store.trials.find(_checked_id(trial_id))
    if text is None:
        raise NotFound(f"match trial with id '{trial_id}' does not exist in the match.aaa_match_trial collection")
    return text


def trial_delete(store: Store, *, owner: str, trial_id: str) -> None:
    """Delete a trial; nothing happens if there is none."""
    store.trials.delete(_checked_id(trial_id))


def _checked_id(trial_id: str) -> str:
    if not _ID.fullmatch(trial_id):
        raise IllegalArgument(f"invalid hexadecimal representation of an ObjectId: [{trial_id}]")
    return trial_id.lower()
