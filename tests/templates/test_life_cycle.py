"""Requests of browsers: one gateway a process, one context a user, workers that were forked, asynchronous views."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import flask
import pytest

from rendergateway import Gateway, StackWrapper, TimedOutError
from rendergateway.testing import make_stack
from rendergateway.testing.misbehaving import MisbehavingServer, answers, keeps_silent

from .conftest import in_django, in_jinja

PAGE = "{% for section in stack.sections %}{{ section }} {{ section.tiles|length }},{% endfor %}"


def bearer(token: str) -> Any:
    """Sign as the middleware of docs/templates.md does."""
    return lambda headers: headers.update(Authorization=f"Bearer {token}")


def test_users__each_with_credentials_of_their_own() -> None:
    """Views of many users at once, over one pool: each request is signed by whom it is for, and counted for them."""
    with MisbehavingServer(answers(["lab"])) as server:
        gateway = Gateway(server.url)

        def view(user: str) -> tuple[str, list[str]]:
            mine = gateway.using(auth=bearer(user))
            with mine.counting() as asked:
                return in_django("{{ owners|join:'' }}", owners=mine.owners()), asked

        users = [f"user{number}" for number in range(12)]
        with ThreadPoolExecutor(4) as pool:
            shown = list(pool.map(view, users))

    assert shown == [("lab", ["owner.list"])] * 12
    assert sorted(request.headers["Authorization"] for request in server.requests) == sorted(
        f"Bearer {u}" for u in users
    )


def test_budget__of_one_page() -> None:
    """A context with its own limit aborts a page that waits for an unresponsive service."""
    with MisbehavingServer(keeps_silent) as server:
        gateway = Gateway(server.url, retries=0)

        with pytest.raises(TimedOutError):
            in_django("{{ owners|length }}", owners=gateway.using(budget_s=0.2).owners())


def in_worker(render: Callable[[], str]) -> str:
    """Output of a forked process, which exits without test cleanup."""
    reading, writing = os.pipe()
    worker = os.fork()
    if worker == 0:
        try:
            os.write(writing, render().encode())
        finally:
            os._exit(0)
    os.close(writing)
    os.waitpid(worker, 0)
    with os.fdopen(reading) as shown:
        return shown.read()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_fork__a_worker_renders(tmp_path: Path) -> None:
    """An application loaded before forking serves pages in each worker and in the parent process."""
    with Gateway(f"embedded:{tmp_path / 'render.db'}", owner="lab", project="p") as gateway:
        stack = make_stack(gateway, sections=2, rows=1, columns=1)
        shown = in_django(PAGE, stack=stack)

        assert in_worker(lambda: in_django(PAGE, stack=gateway.using(owner="lab").stack("montage"))) == shown
        assert in_django(PAGE, stack=stack) == shown == "1.0 1,2.0 1,"


def test_async__a_view_in_a_thread(stack: StackWrapper) -> None:
    """Pages render correctly in concurrent threads of an event loop."""
    jinja = "{% for section in stack.sections() %}{{ section }} {{ section.tiles()|length }},{% endfor %}"

    async def views() -> list[str]:
        return await asyncio.gather(*(asyncio.to_thread(in_jinja, jinja, stack=stack) for _ in range(4)))

    assert asyncio.run(views()) == ["1.0 2,2.0 2,3.0 2,"] * 4


def test_debug_panel__what_a_page_asked(gateway: Gateway, stack: StackWrapper) -> None:
    """A context per browser request counts only the requests made for it."""
    app = flask.Flask("atlas")

    @app.get("/")
    def page() -> str:
        mine = gateway.using()
        with mine.counting() as asked:
            shown = flask.render_template_string("{{ stack.tile_count }}", stack=mine.stack("montage"))
            gateway.owners().load()
        return f"{shown} tiles, {len(asked)} requests"

    assert app.test_client().get("/").text == "6 tiles, 1 requests"
