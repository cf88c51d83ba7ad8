"""ImageResults and the headers by which clients keep them (contract, 1.7)."""

from __future__ import annotations

import attrs

from rendergateway.service.base.refusals import NotModified, PreconditionFailed, ServiceRefusal

__all__ = ["Conditions", "ImageResult"]


@attrs.frozen
class ImageResult:
    """An encoded picture, and the headers that go with it."""

    body: bytes
    headers: dict[str, str] = attrs.field(factory=dict)


@attrs.frozen
class Conditions:
    """What a client has already: its ``If-None-Match`` and ``If-Match``."""

    none_match: str | None
    match: str | None

    def check(self, modified_ms: int) -> dict[str, str]:
        """
        Return the headers of a picture of a stack that changed at *modified_ms*.

        Raises
        ------
        NotModified
            If the client has this state of the stack.
        PreconditionFailed
            If it asked for another one only.
        """
        tag = f'"{modified_ms}"'
        headers = {"ETag": tag, "Cache-Control": "no-transform, max-age=3600"}
        if self.match is not None and not _names(self.match, tag):
            raise _with(PreconditionFailed(), headers)
        if self.none_match is not None and _names(self.none_match, tag):
            raise _with(NotModified(), headers)
        return headers


def _names(header: str, tag: str) -> bool:
    words = [word.strip().removeprefix("W/") for word in header.split(",")]
    return "*" in words or tag in words


def _with(refusal: ServiceRefusal, headers: dict[str, str]) -> ServiceRefusal:
    refusal.headers = headers
    return refusal
