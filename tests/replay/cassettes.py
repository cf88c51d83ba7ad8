"""Recordings of the real service, and their replay into an embedded one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import attrs
import requests
import yaml

from rendergateway.service.embedded import BASE_URL, EmbeddedAdapter
from tests.replay.rules import ComparedAnswer, difference

__all__ = ["OURS", "RANDOM", "REAL_DATA", "Scenario", "excepted", "replay", "scenarios"]

ROOT = Path(__file__).parents[2]
OURS = ROOT / "cassettes"
RANDOM = OURS / "random"
REAL_DATA = ROOT.parent / "shared" / "recordings-of-real-data"

RECORDED_HOST = b"render.test:8080"
RECORDED_IMAGES = "/render-images"
# Contains timings and random estimates.
UNREPEATABLE = {"rendering/match_trial"}

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@attrs.frozen
class Scenario:
    """One recording."""

    path: Path

    @property
    def name(self) -> str:
        """Area and name."""
        return f"{self.path.parent.name}/{self.path.stem}"

    def exchanges(self) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """Yield the recorded requests and answers."""
        for item in yaml.load(self.path.read_text(encoding="utf-8"), Loader=_LOADER)["interactions"]:
            yield item["request"], item["response"]


def scenarios(folder: Path) -> list[Scenario]:
    """Return the recordings below *folder*."""
    found = map(Scenario, sorted(folder.glob("*/*.yaml")))
    return [scenario for scenario in found if scenario.name not in UNREPEATABLE]


def excepted(path: Path) -> dict[tuple[str, int], str]:
    """Read a file of deliberate differences: (scenario, number of the exchange) → reason."""
    lines = [line.split(None, 2) for line in path.read_text(encoding="utf-8").splitlines() if _counts(line)]
    return {(scenario, int(number)): reason for scenario, number, reason in lines}


def _counts(line: str) -> bool:
    return bool(line.strip()) and not line.startswith("#")


def replay(scenario: Scenario, adapter: EmbeddedAdapter, images: Path) -> dict[int, str]:
    """Send the requests of *scenario* in order; return number of the exchange → difference."""
    tags: dict[str, str] = {}
    found = {}
    for number, (request, response) in enumerate(scenario.exchanges()):
        recorded = _recorded(response)
        got = _sent(adapter, request, images, tags)
        if "etag" in recorded.headers and "etag" in got.headers:
            tags[recorded.headers["etag"]] = got.headers["etag"]
        if reason := difference(got, recorded, request["uri"]):
            found[number] = f"{request['method']} {request['uri'].partition('/v1')[2]}: {reason}"
    return found


def _bytes(body: str | bytes | None) -> bytes:
    return body.encode() if isinstance(body, str) else body or b""


def _recorded(response: dict[str, Any]) -> ComparedAnswer:
    headers = {name.lower(): values[0] for name, values in response["headers"].items()}
    return ComparedAnswer(response["status"]["code"], headers, _bytes(response["body"]["string"]))


def _sent(adapter: EmbeddedAdapter, request: dict[str, Any], images: Path, tags: dict[str, str]) -> ComparedAnswer:
    headers = {name: values[0] if isinstance(values, list) else values for name, values in request["headers"].items()}
    for name, value in headers.items():
        if name.lower() in ("if-none-match", "if-match"):
            headers[name] = tags.get(value, value)
    body = None if request["body"] is None else _bytes(request["body"])
    if body is not None and headers.get("Content-Encoding") != "gzip":
        body = body.replace(RECORDED_IMAGES.encode(), str(images).encode())
    prepared = requests.Request(request["method"], BASE_URL, data=body, headers=headers).prepare()
    split = urlsplit(request["uri"])
    url = request["uri"].replace(f"{split.scheme}://{split.netloc}/render-ws", BASE_URL, 1)
    # Set after preparing, so that requests does not normalize unusual paths.
    prepared.url = url.replace(quote(RECORDED_IMAGES, safe=""), quote(str(images), safe=""))
    answer = adapter.send(prepared)
    text = answer.content.replace(str(images).encode(), RECORDED_IMAGES.encode())
    kinds = {name.lower(): value for name, value in answer.headers.items()}
    return ComparedAnswer(answer.status_code, kinds, text.replace(urlsplit(BASE_URL).netloc.encode(), RECORDED_HOST))
