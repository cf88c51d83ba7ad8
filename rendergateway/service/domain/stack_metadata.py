"""Version and metadata of a stack, from its stored row."""

from __future__ import annotations

from rendergateway.model.records.dates import epoch_ms_text
from rendergateway.service.store.stacks import StackRow
from rendergateway.wire import StackMetaData, StackName, StackVersionJson, as_stored, decode_stored

__all__ = ["metadata_of", "version_of"]


def version_of(row: StackRow) -> StackVersionJson:
    """Return the current version of a stack."""
    version: StackVersionJson = decode_stored(row.version, StackVersionJson)
    return version


def metadata_of(row: StackRow) -> StackMetaData:
    """Return all that is known of a stack."""
    return StackMetaData(
        stackId=StackName(owner=row.owner, project=row.project, stack=row.stack),
        state=row.state,  # type: ignore[arg-type]
        lastModifiedTimestamp=epoch_ms_text(row.modified_ms),
        currentVersionNumber=row.version_number,
        currentVersion=as_stored(row.version),
        stats=as_stored(row.stats),
        hierarchicalData=as_stored(row.hierarchy),
    )
