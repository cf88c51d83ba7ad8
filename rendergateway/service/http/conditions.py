"""Image results and the headers for HTTP caching (contract, 1.7)."""

from __future__ import annotations

import attrs

from rendergateway.service.base.refusals import NotModified, PreconditionFailed, ServiceRefusal

__all__ = ["Conditions", "ImageResult"]


@attrs.frozen
class ImageResult:
    """An encoded image with its cache headers."""

    body: bytes
    headers: dict[str, str] = attrs.field(factory=dict)


@attrs.frozen
class Conditions:
    """Conditional headers of a request: ``If-None-Match`` and ``If-Match``."""

    none_match: str | None
    match: str | None

    def check(self, modified_ms: int) -> dict[str, str]:
        """
        Return the cache headers of an image from a stack last modified at *modified_ms*.

        Raises
        ------
        NotModified
            If the client has the current version.
        PreconditionFailed
            If the client requires another version.
        """
        tag = f'"{modified_ms}"'
        headers = {"ETag": tag, "Cache-Control": "no-transform, max-age=3600"}
        if self.match is not None and not _matches(self.match, tag):
            raise _with(PreconditionFailed(), headers)
        if self.none_match is not None and _matches(self.none_match, tag):
            raise _with(NotModified(), headers)
        return headers


def _matches(header: str, tag: str) -> bool:
    words = [word.strip().removeprefix("W/") for word in header.split(",")]
    return "*" in words or tag in words


def _with(refusal: ServiceRefusal, headers: dict[str, str]) -> ServiceRefusal:
    refusal.headers = headers
    return refusal
