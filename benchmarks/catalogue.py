"""
Pages of the catalogue: time to the first byte and to a usable page, requests, scripts, memory, and many readers.

``python -m benchmarks.catalogue`` builds 500 stacks, one of 1 000 sections and one of 50 000 tiles, serves them with
``rendergateway serve``, and prints one line per measurement. Times to a usable page need Chromium and playwright.
"""

# Each measurement finishes within its iteration, so that a lambda sees the values of that iteration.
# ruff: noqa: B023

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import requests

from rendergateway import Gateway, StackWrapper, TileTable
from rendergateway.catalogue import application
from rendergateway.testing import make_stack

STACKS, SECTIONS, COLUMNS = 500, 1_000, 224
TILES = COLUMNS * COLUMNS - 176
READERS, PAGES_PER_READER, PAGES_IN_A_ROW = 20, 10, 1_000
SIDE, STEP = 512.0, 448.0
STATIC = Path(__file__).parents[1] / "rendergateway" / "catalogue" / "static"
PAGES = {
    f"{STACKS} stacks": "/owner/lab/project/many/",
    f"{SECTIONS} sections": "/owner/lab/project/cortex/stack/tall/",
    f"section of {TILES} tiles": "/owner/lab/project/cortex/stack/large/z/1.0/",
    "section of 16 tiles": "/owner/lab/project/cortex/stack/montage/z/1.0/",
    "tile": "/owner/lab/project/cortex/stack/montage/tile?id=s1_r1_c1",
    "match collection": "/owner/lab/matches/truth/",
    "matches in 3D": "/owner/lab/project/cortex/stack/montage/explorer?collection=truth",
    "residuals": "/owner/lab/project/cortex/stack/montage/residuals?collection=truth",
    "pair": "/owner/lab/matches/truth/pair?pg=1.0&p=s1_r0_c0&qg=1.0&q=s1_r0_c1&stack=lab/cortex/montage",
}
# What a reader waits for: the map is drawn, else the page is loaded with its pictures.
USABLE = (
    "() => { const map = document.querySelector('[data-map], [data-explorer]');"
    " return !map || map.dataset.ready === 'true' }"
)


def fill(gateway: Gateway, folder: Path) -> None:
    """Save the stacks."""
    make_stack(gateway, sections=3, rows=4, columns=4, matches="truth", images=folder)
    picture = next(folder.glob("*.png")).as_uri()
    rows, columns = np.divmod(np.arange(TILES), COLUMNS)
    put(gateway.create_stack("large", resolution_nm=(4, 4, 40)), rows, columns, np.ones(TILES), picture)
    z = np.arange(1.0, SECTIONS + 1)
    put(gateway.create_stack("tall", resolution_nm=(4, 4, 40)), z * 0, z * 0, z, picture)
    for number in range(STACKS):
        stack = gateway.create_stack(f"many/stack_{number:03d}", resolution_nm=(4, 4, 40))
        put(stack, np.zeros(1), np.zeros(1), np.ones(1), picture)


def put(stack: StackWrapper, rows: np.ndarray, columns: np.ndarray, z: np.ndarray, picture: str) -> None:
    """Save a grid of tiles that all have the same picture."""
    tiles = TileTable.from_columns(
        tile_id=[f"t{number:05d}" for number in range(len(z))],
        z=z,
        width=SIDE,
        height=SIDE,
        section_id=[f"{one:.1f}" for one in z],
        image_row=rows,
        image_col=columns,
        camera_id=[f"camera {number % 4}" for number in range(len(z))],
        image_url=picture,
        translation=np.stack([columns * STEP, rows * STEP], axis=1),
    )
    with stack.editing() as edit:
        edit.put(tiles)


@contextlib.contextmanager
def served(database: Path, images: Path) -> Iterator[tuple[str, int]]:
    """Serve a database with its pages; yield the address and the process id."""
    words = ["serve", str(database), "--images", str(images), "--port", "0", "--quiet", "--json"]
    command = [sys.executable, "-m", "rendergateway.cli", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["url"].removesuffix("/render-ws"), process.pid
        process.send_signal(signal.SIGTERM)


def show(what: str, value: str) -> None:
    """Print one measurement."""
    print(f"{what:<58} {value}", flush=True)


def first_byte(url: str, times: int = 5) -> tuple[float, int]:
    """Return the median time to the first byte of a page in milliseconds, and its size."""
    found, size = [], 0
    for _ in range(times):
        start = time.perf_counter()
        with requests.get(url, timeout=60, stream=True) as answer:
            next(answer.iter_content(1))
            found.append(1e3 * (time.perf_counter() - start))
            size = len(answer.content) + 1
    return statistics.median(found), size


def usable(url: str) -> None:
    """Print the times to usable pages, and the scripts and pictures that they load."""
    program = shutil.which("chromium")
    if program is None:
        show("time to a usable page", "not measured: Chromium is not installed")
        return
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for name, path in PAGES.items():
            context = browser.new_context(viewport={"width": 1920, "height": 1080})
            page, requested = context.new_page(), list[str]()
            page.on("request", lambda one: requested.append(one.url))
            start = time.perf_counter()
            page.goto(url + path)
            while not page.evaluate(f"({USABLE})()"):
                page.wait_for_timeout(10)
            took = 1e3 * (time.perf_counter() - start)
            pictures = sum(".jpg" in one for one in requested)
            show(f"{name}: time to a usable page", f"{took:7.0f} ms, {len(requested)} requests, {pictures} pictures")
            context.close()
        browser.close()


def requests_per_page(gateway: Gateway) -> None:
    """Print the requests to the service of each page."""
    browser = application(gateway).test_client()
    for name, path in PAGES.items():
        with gateway.counting() as made:
            assert browser.get(path).status_code == 200
        show(f"{name}: requests to the service", f"{len(made)}: {', '.join(dict.fromkeys(made))}")


def resident_mb(process: int) -> float:
    """Return the memory of a process."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmRSS"))) / 1024


def processor_s(process: int) -> float:
    """Return the processor time of a process, which depends less than others on what else runs."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(url: str, process: int) -> None:
    """Print the memory of the service with its pages, before and after many pages."""
    paths = [path for name, path in PAGES.items() if str(TILES) not in name]
    with requests.Session() as session:
        for path in paths:
            session.get(url + path, timeout=60)
        before = resident_mb(process)
        start, spent = time.perf_counter(), processor_s(process)
        for number in range(PAGES_IN_A_ROW):
            session.get(url + paths[number % len(paths)], timeout=60)
        took, spent = time.perf_counter() - start, processor_s(process) - spent
    after = resident_mb(process)
    show(f"memory before and after {PAGES_IN_A_ROW} pages", f"{before:.0f} MB, {after:.0f} MB")
    show("pages per second, one reader", f"{PAGES_IN_A_ROW / took:.0f}")
    show("processor time per page", f"{1e3 * spent / PAGES_IN_A_ROW:.0f} ms")


def many_readers(url: str) -> None:
    """Print how long pages take while many readers load them."""
    paths = [path for name, path in PAGES.items() if str(TILES) not in name]

    def read(reader: int) -> list[float]:
        found = []
        with requests.Session() as session:
            for number in range(PAGES_PER_READER):
                start = time.perf_counter()
                answer = session.get(url + paths[(reader + number) % len(paths)], timeout=120)
                assert answer.status_code == 200
                found.append(1e3 * (time.perf_counter() - start))
        return found

    start = time.perf_counter()
    with ThreadPoolExecutor(READERS) as pool:
        times = sorted(one for some in pool.map(read, range(READERS)) for one in some)
    took = time.perf_counter() - start
    show(
        f"{READERS} readers: median and 95th percentile",
        f"{times[len(times) // 2]:.0f} ms, {times[-len(times) // 20]:.0f} ms",
    )
    show(f"{READERS} readers: pages per second", f"{len(times) / took:.0f}")


def main() -> None:
    """Run all measurements."""
    scripts = sum(file.stat().st_size for file in STATIC.glob("*.js"))
    show("bytes of JavaScript, all modules", f"{scripts}")
    show("bytes of style", f"{(STATIC / 'catalogue.css').stat().st_size}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Gateway(f"embedded:{folder / 'render.db'}", owner="lab", project="cortex") as gateway:
            fill(gateway, folder / "images")
            requests_per_page(gateway)
        with served(folder / "render.db", folder / "images") as (url, process):
            for what, path in PAGES.items():
                took, size = first_byte(url + path)
                show(f"{what}: time to the first byte", f"{took:7.0f} ms, {size / 1024:.0f} kB")
            usable(url)
            memory(url, process)
            many_readers(url)


if __name__ == "__main__":
    main()
