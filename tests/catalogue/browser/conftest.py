"""A real browser and a served catalogue; the tests are skipped without one of them."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from werkzeug.serving import make_server

from rendergateway import Gateway
from rendergateway.catalogue import application
from rendergateway.testing import make_stack
from tests.catalogue.conftest import put_tiles, save_tier

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_POLL_MS, _MOST_POLLS = 50, 600
FULL = bool(os.environ.get("RENDERGATEWAY_FULL_TESTS"))
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Headless Chromium of the system, driven by Playwright."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip(f"no browser: none of {', '.join(PROGRAMS)} is installed")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        # As root, and in containers, Chromium has no sandbox of its own.
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The catalogue of a stack with pictures and matches, and of one with many tiles, on loopback."""
    folder = tmp_path_factory.mktemp("catalogue")
    with Gateway(f"embedded:{folder / 'render.db'}", owner="lab", project="cortex") as gateway:
        stack = make_stack(gateway, sections=3, matches="truth", images=folder / "images")
        save_tier(stack, parent=stack)
        put_tiles(gateway.create_stack("many"), 6000, image=folder / "images" / "s1_r0_c0.png")
        server = make_server("127.0.0.1", 0, application(gateway, hosts=()), threaded=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield Site(f"http://127.0.0.1:{server.port}", gateway, folder)
        server.shutdown()
        thread.join()
        server.server_close()


@attrs.frozen
class Site:
    """A served catalogue."""

    url: str
    gateway: Gateway
    folder: Path


@attrs.frozen
class Tab:
    """A page of the browser, and what went wrong on it."""

    page: Page
    site: Site
    problems: list[str]

    def open(self, path: str) -> Page:
        """Open a page, and wait until it is drawn."""
        self.page.goto(self.site.url + path)
        self.page.wait_for_load_state("networkidle")
        if self.page.query_selector("[data-map]"):
            self.page.wait_for_selector("[data-map][data-ready=true]")
        return self.page

    def until(self, condition: str) -> None:
        """
        Wait until a JavaScript expression is true.

        Playwright's own wait evaluates it within the page, whose policy forbids that.
        """
        for _ in range(_MOST_POLLS):
            if self.page.evaluate(condition):
                return
            self.page.wait_for_timeout(_POLL_MS)
        raise AssertionError(f"never true: {condition}")


@pytest.fixture(params=[(360, "dark"), (1920, "light")], ids=["narrow", "wide"])
def tab(request: pytest.FixtureRequest, browser: Browser, site: Site) -> Iterator[Tab]:
    """A tab of 360 or 1920 pixels, in dark or light colours."""
    width, scheme = request.param
    yield from opened(browser, site, width, scheme)


@pytest.fixture
def wide(browser: Browser, site: Site) -> Iterator[Tab]:
    """A tab of 1280 pixels."""
    yield from opened(browser, site, 1280, "light")


def opened(browser: Browser, site: Site, width: int, scheme: str) -> Iterator[Tab]:
    """Yield a tab that notes errors of its console, failures of scripts, and requests to other hosts."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda one: None if one.url.startswith(site.url) else problems.append(f"request to {one.url}"))
    yield Tab(page, site, problems)
    context.close()


def sample(cases: list[Any]) -> list[Any]:
    """The first case, or all of them with RENDERGATEWAY_FULL_TESTS=1."""
    return cases if FULL else cases[:1]
