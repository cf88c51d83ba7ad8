"""References to shared transforms: the ids that a tile or a transform refers to, at any depth."""

from __future__ import annotations

import msgspec

from rendergateway.errors import RecordError
from rendergateway.model.records.json_slices import Text, copy_of
from rendergateway.model.records.tiles import TileRecord
from rendergateway.model.records.view import view

__all__ = ["SpecView", "parameters_of_spec", "references", "references_of_spec", "references_of_transform"]

_NONE: frozenset[str] = frozenset()


class SpecView(msgspec.Struct, gc=False, rename="camel"):
    """Partial view of a transform: its references and parameters."""

    type: str | None = None
    # The service takes numbers as ids.
    ref_id: str | int | float | None = None
    data_string: str | None = None
    spec_list: list[SpecView | None] | None = None
    a: SpecView | None = None
    b: SpecView | None = None


_decode_spec = msgspec.json.Decoder(SpecView).decode
_decode_tile = msgspec.json.Decoder(view(TileRecord, transforms=(SpecView | None, None))).decode


def references(text: Text) -> frozenset[str]:
    """
    Return the ids that a tile's text refers to.

    Raises
    ------
    RecordError
        If the text is not a tile spec.
    """
    if b'"ref' not in copy_of(text):
        return _NONE
    try:
        return references_of_spec(_decode_tile(text).transforms)
    except msgspec.DecodeError as error:
        raise RecordError(f"expected a tile spec: {error}") from error


def references_of_transform(text: Text) -> frozenset[str]:
    """
    Return the ids that a transform's text refers to.

    Raises
    ------
    RecordError
        If the text is not a transform.
    """
    try:
        return references_of_spec(_decode_spec(text))
    except msgspec.DecodeError as error:
        raise RecordError(f"expected a transform: {error}") from error


def references_of_spec(spec: SpecView | None) -> frozenset[str]:
    """Return the ids that a decoded transform refers to."""
    ahead, found = [spec], None
    while ahead:
        part = ahead.pop()
        if part is None:
            continue
        if part.spec_list:
            ahead += part.spec_list
        elif part.type == "ref" and part.ref_id is not None:
            found = {str(part.ref_id), *(found or ())}
        elif part.a is not None or part.b is not None:
            ahead += (part.a, part.b)
    return frozenset(found) if found is not None else _NONE


def parameters_of_spec(spec: SpecView | None) -> list[str]:
    """Return the parameters of all leaves of a decoded transform."""
    ahead, found = [spec], list[str]()
    while ahead:
        part = ahead.pop()
        if part is not None:
            if part.data_string is not None:
                found.append(part.data_string)
            ahead += (*(part.spec_list or ()), part.a, part.b)
    return found
