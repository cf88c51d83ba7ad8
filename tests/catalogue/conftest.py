"""A stack with pictures and matches, and the catalogue over it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import attrs
import flask
import numpy as np
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from rendergateway import Gateway, StackWrapper, TileTable
from rendergateway.catalogue import application

MONTAGE = "/owner/lab/project/cortex/stack/montage/"
PAIR = "/owner/lab/matches/truth/pair?pg=1.0&p=s1_r0_c0&qg=1.0&q=s1_r0_c1&stack=lab/cortex/montage"
# Each kind of page.
PAGES = {
    "home": "/",
    "owner": "/owner/lab/",
    "project": "/owner/lab/project/cortex/",
    "hierarchy": "/owner/lab/project/cortex/hierarchy?threshold=1",
    "stack": MONTAGE,
    "sample": f"{MONTAGE}sample",
    "section": f"{MONTAGE}z/1.0/",
    "explorer": f"{MONTAGE}explorer?collection=truth",
    "residuals": f"{MONTAGE}residuals?collection=truth",
    "tile": f"{MONTAGE}tile?id=s1_r0_c0&collection=truth",
    "neighbours": f"{MONTAGE}tile/neighbours?id=s1_r0_c0&collection=truth",
    "matches": "/owner/lab/matches/truth/",
    "pairs": "/owner/lab/matches/truth/pairs?pg=1.0&qg=1.0",
    "pair": PAIR,
    "search": "/search?q=s1_r0&stack=lab/cortex/montage",
    "compare": "/compare?a=lab/cortex/montage&b=lab/cortex/montage&z=1.0",
}


@attrs.frozen
class Catalogue:
    """The pages of a gateway, as a browser requests them."""

    gateway: Gateway
    app: flask.Flask
    browser: FlaskClient

    def get(self, path: str, **options: object) -> TestResponse:
        """Return the answer to a request."""
        return self.browser.get(path, buffered=True, **options)

    def text(self, path: str) -> str:
        """Return a page that must be there."""
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text


@pytest.fixture
def catalogue(gateway: Gateway) -> Catalogue:
    """The catalogue of an empty service."""
    app = application(gateway)
    return Catalogue(gateway, app, app.test_client())


@pytest.fixture
def montage(make_stack: Callable[..., StackWrapper], tmp_path: Path) -> StackWrapper:
    """Three sections of 2 × 2 tiles with pictures, and their matches; it is a tier of itself."""
    stack = make_stack(sections=3, rows=2, columns=2, matches="truth", images=tmp_path / "images")
    save_tier(stack, parent=stack)
    return stack


def save_tier(stack: StackWrapper, parent: StackWrapper, *, column: int = 0, quality: float = 1.5) -> None:
    """Save the hierarchical data of a split stack, the left half of its parent or, in column 1, the right one."""
    data = {
        "parentTierStackId": parent._key._asdict(),
        "alignedStackId": parent._key._asdict(),
        "tier": 1,
        "tierRow": 0,
        "tierColumn": column,
        "fullScaleBounds": {"minX": 480 * column, "minY": 0, "maxX": 480 * (column + 1), "maxY": 960},
        "matchCollectionId": {"owner": stack.owner.name, "name": "truth"},
        "savedMatchPairCount": 20,
        "splitGroupIds": ["2.0"],
        "alignmentQuality": quality,
    }
    stack._conn.call("hierarchy.save", **stack._key._asdict(), body=data)
    stack.reload()


def put_tiles(
    stack: StackWrapper,
    count: int,
    *,
    z: float = 1.0,
    columns: int = 100,
    complete: bool = True,
    image: Path | None = None,
) -> None:
    """Save many tiles in a grid, all of one picture, or without."""
    rows, places = np.divmod(np.arange(count), columns)
    tiles = TileTable.from_columns(
        tile_id=[f"t{number:05d}" for number in range(count)],
        z=z,
        width=100,
        height=100,
        section_id=f"{z}",
        image_row=rows.astype(float),
        image_col=places.astype(float),
        image_url=None if image is None else image.as_uri(),
        camera_id=[f"camera {number % 3}" for number in range(count)],
        translation=np.stack([places * 90.0, rows * 90.0], axis=1),
    )
    with stack.editing(complete=complete) as edit:
        edit.put(tiles)
