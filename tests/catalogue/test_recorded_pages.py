"""Pages over answers of the real service, as far as its recordings contain them."""

from __future__ import annotations

import base64
import contextlib
import re
import threading
from collections.abc import Iterable, Iterator
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import attrs
import pytest
from werkzeug.serving import WSGIRequestHandler, make_server

from rendergateway import Gateway
from rendergateway.catalogue import application
from tests.catalogue.conftest import Catalogue
from tests.replay.cassettes import OURS, REAL_DATA, Scenario, scenarios

_STACK = re.compile(r"/render-ws/v1/owner/([^/?]+)/project/([^/?]+)/stack/([^/?]+)")
_PART = {
    "z": re.compile(r"/z/([\d.]+)/"),
    "tile": re.compile(r"/tile/([\w.]+)"),
    "collection": re.compile(r"/owner/([^/]+)/matchCollection/([^/]+)/"),
}
_OF_HOP = {"transfer-encoding", "content-length", "content-encoding", "connection"}


class _Quiet(WSGIRequestHandler):
    """No log of requests."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Do nothing."""


@attrs.define
class Recorded:
    """A server of the last recorded answer to each reading of a scenario, and the readings that it lacks."""

    answers: dict[str, tuple[int, list[tuple[str, str]], bytes]]
    lacks: list[str] = attrs.field(factory=list)

    @classmethod
    def of(cls, scenario: Scenario) -> Recorded:
        answers = {}
        for request, response in scenario.exchanges():
            address = urlsplit(request["uri"])
            if request["method"] == "GET":
                headers = [(name, values[0]) for name, values in response["headers"].items()]
                answers[_with_decimals(address._replace(scheme="", netloc="").geturl())] = (
                    response["status"]["code"],
                    [(name, value) for name, value in headers if name.lower() not in _OF_HOP],
                    _body(response["body"]),
                )
        return cls(answers)

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        found = self.answers.get(_with_decimals(environ["REQUEST_URI"]))
        if found is None:
            self.lacks.append(environ["REQUEST_URI"])
            found = (501, [], b"not recorded")
        start(f"{found[0]} recorded", found[1])
        return [found[2]]

    def pages(self) -> list[str]:
        """Addresses of pages of what the recording reads."""
        parts = {name: {match for path in self.answers for match in one.findall(path)} for name, one in _PART.items()}
        pages = [f"/owner/{owner}/matches/{name}/" for owner, name in sorted(parts["collection"])]
        for owner, project, stack in sorted({match.groups() for match in map(_STACK.match, self.answers) if match}):
            page = f"/owner/{owner}/project/{project}/"
            ends = ["", "sample", *(f"z/{z}/" for z in sorted(parts["z"]))]
            ends += [f"tile?id={tile_id}" for tile_id in sorted(parts["tile"])]
            pages += [page, f"{page}hierarchy", f"/owner/{owner}/", *(f"{page}stack/{stack}/{end}" for end in ends)]
        return list(dict.fromkeys(pages))


def _with_decimals(path: str) -> str:
    """Return a path with z as 1.0 instead of 1; both are the same section."""
    return re.sub(r"/z/(\d+)/", r"/z/\1.0/", path)


def _body(recorded: dict[str, Any]) -> bytes:
    if "base64_string" in recorded:
        return base64.b64decode(recorded["base64_string"])
    text = recorded.get("string") or ""
    return text if isinstance(text, bytes) else text.encode()


@contextlib.contextmanager
def served(recorded: Recorded) -> Iterator[Catalogue]:
    """Yield the catalogue of the recorded answers, over HTTP."""
    server = make_server("127.0.0.1", 0, recorded, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        with contextlib.closing(Gateway(f"http://127.0.0.1:{server.port}", retries=0)) as gateway:
            app = application(gateway)
            yield Catalogue(gateway, app, app.test_client())
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("matches/collections", 0),
        ("stacks/clone_more", 10),
        ("stacks/create_minimal", 2),
        ("stacks/empty_stack", 3),
        ("stacks/odd_states", 3),
        ("tiles/numbers_for_names", 1),
        ("tiles/odd_boxes", 20),
    ],
)
def test_recorded_pages__none_fails(name: str, most: int) -> None:
    """Pages that need recorded answers alone are there, or repeat the refusal of the service; none of them fails."""
    (scenario,) = [one for one in scenarios(OURS) if one.name == name]
    recorded, shown = Recorded.of(scenario), []
    with served(recorded) as catalogue:
        for page in recorded.pages():
            recorded.lacks.clear()
            answer = catalogue.get(page)
            if not recorded.lacks:
                # 502: the service failed, which is its recorded answer.
                assert answer.status_code in (200, 400, 404, 502), (page, unescape(answer.text))
                shown += [page] if answer.status_code == 200 else []

    assert len(shown) >= most


def test_recorded_page__real_montage() -> None:
    """The sections and charts of a real montage are on its page."""
    found = [one for one in scenarios(REAL_DATA) if one.name == "stacks/real_montage"]
    if not found:
        pytest.skip("recordings of real data (../shared/recordings-of-real-data) are not here")
    with served(Recorded.of(found[0])) as catalogue:
        text = catalogue.text("/owner/rec_stacks_real_montage/project/tissue/stack/montage/")

    assert text.count("<figure") == 4
    assert "z/5455.0/" in text
