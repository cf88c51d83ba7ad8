"""Canvases: the tiles, or other pictures of the service, that are matched; their render parameters and features."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import parse_qs, unquote

import attrs
import numpy.typing as npt

from rendergateway.alignment.features import FeatureRule, Features, described
from rendergateway.alignment.stages import PictureRule
from rendergateway.endpoints.address import EMBEDDED
from rendergateway.endpoints.routing import route
from rendergateway.errors import ConfigurationError, NotFoundError, RecordError, add_note
from rendergateway.model.records.render_parameters import RenderParameters
from rendergateway.rendering.output.encoding import write_whole
from rendergateway.wrappers.core.bound import Client

__all__ = ["Canvas", "DescribeTask", "Painter", "canvas_of", "check_service", "recipe_of"]

# From a client, render parameters as JSON and where to draw to the pixels and their opacity, None if opaque.
Painter: TypeAlias = Callable[[Client, bytes, str], "tuple[npt.NDArray[Any], npt.NDArray[Any] | None]"]

_BASE = re.compile(r"^(https?://[^?]*?|\{baseDataUrl\})(?=/owner/)")
# Part of the cache key: raise it with each change of the features of a picture.
_FEATURES_VERSION = 1


@attrs.frozen
class Canvas:
    """
    A picture that is matched.

    Attributes
    ----------
    group, id : str
        The match group and the id of its matches.
    endpoint : str
        The endpoint of its render parameters.
    values : tuple of (str, object)
        Path and query values of the endpoint.
    position : str
        Position relative to its partner; empty unless it is clipped.
    """

    group: str
    id: str
    endpoint: str
    values: tuple[tuple[str, Any], ...]
    position: str = ""

    def __str__(self) -> str:
        return f"{self.group}/{self.id}"


def check_service(urls: Iterable[str], server: str) -> None:
    """
    Refuse URLs of another service than the one that is asked.

    Parameters
    ----------
    urls : iterable of str
        Complete, or with ``{baseDataUrl}``.
    server : str
        Base URL of the service. An embedded one has none, so every URL is taken for its own.

    Raises
    ------
    ConfigurationError
        If the base of a URL is another one.
    """
    if server.startswith(EMBEDDED):
        return
    for url in urls:
        base = _BASE.match(url)
        if base is not None and not url.startswith("{") and base[0].rstrip("/") != server.rstrip("/"):
            raise ConfigurationError(
                f"URL is one of another service than {server}: got {url!r}; connect to that service"
            )


def canvas_of(url: str, group: str, name: str, query: Mapping[str, Any], position: str = "") -> Canvas:
    """
    Return the canvas of a URL of render parameters.

    Parameters
    ----------
    url : str
        Below ``/owner/…``; the base URL before it is ignored, see `check_service`. ``{groupId}`` and ``{id}`` are
        replaced by *group* and *name*.
    group, name : str
        Match group and id.
    query : mapping
        Query values that are added to those of the URL, if its endpoint has them.
    position : str
        Position relative to the partner; empty unless the picture is clipped.

    Raises
    ------
    ConfigurationError
        If it is not the URL of render parameters of the service.
    """
    path, _, given = _BASE.sub("", url).partition("?")
    path = "/".join(unquote(part).replace("{groupId}", group).replace("{id}", name) for part in path.split("/"))
    try:
        found = route("GET", path)
        if found is None or not found.endpoint.name.endswith("render_parameters"):
            raise ConfigurationError(
                f"not the URL of render parameters of the service: got {url!r}; use …/owner/…/render-parameters"
            )
        values = {**found.values, **found.endpoint.parse_query(parse_qs(given))}
    except ValueError as error:
        raise ConfigurationError(f"URL of render parameters has an invalid value: got {url!r}: {error}") from error
    values |= {key: value for key, value in query.items() if key in found.endpoint.query_values}
    items = ((key, tuple(value) if isinstance(value, list) else value) for key, value in values.items())
    return Canvas(group, name, found.endpoint.name, tuple(sorted(items)), position)


def recipe_of(client: Client, canvas: Canvas) -> RenderParameters:
    """
    Read the render parameters of a canvas.

    Raises
    ------
    RecordError
        If they lack width or height.
    """
    recipe = RenderParameters.from_json(client.call_raw(canvas.endpoint, **dict(canvas.values)))
    if recipe.width is None or recipe.height is None:
        raise RecordError(f"render parameters of {canvas} have no width and height; set those of the tile")
    return recipe


@attrs.frozen
class DescribeTask:
    """
    The work of describing a canvas, in this process or another.

    Attributes
    ----------
    client : Client
        Makes the requests.
    canvas : Canvas
    picture, features
        The rules.
    draw : callable
        Draws the recipe.
    compute : {'local', 'service'}
        Where to draw.
    cache : str, optional
        Folder of known features.
    cached_only : bool
        Whether unknown features are an error.
    """

    client: Client
    canvas: Canvas
    picture: PictureRule
    features: FeatureRule
    draw: Painter
    compute: str
    cache: str | None = None
    cached_only: bool = False

    def run(self) -> Features:
        """
        Return the features, from the cache if they are known.

        Raises
        ------
        NotFoundError
            If the canvas does not exist, or its features are not in the cache and must be.
        ImageError
            If it cannot be drawn.
        """
        try:
            return self._run()
        except Exception as error:
            add_note(error, f"while describing {self.canvas}")
            raise

    def _run(self) -> Features:
        # Not every endpoint has a query value for the scale.
        recipe = recipe_of(self.client, self.canvas).evolve(scale=self.picture.scale)
        origin = (0.0, 0.0)
        if self.canvas.position:
            size = float(recipe.width or 0), float(recipe.height or 0)
            x, y, width, height = self.picture.clipped(size, self.canvas.position)
            origin = x, y
            moved = {"x": (recipe.x or 0.0) + x, "y": (recipe.y or 0.0) + y}
            recipe = recipe.evolve(width=int(width), height=int(height), **moved)
        path = self._cached(recipe)
        if path is not None and path.exists():
            return Features.read(path)
        if self.cached_only:
            raise NotFoundError(f"features of {self.canvas} are not stored in {self.cache}; describe its tiles first")
        pixels, alpha = self.draw(self.client, recipe.to_json(), self.compute)
        found = attrs.evolve(described(pixels, self.features, alpha), origin=origin)
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, found.to_bytes())
        return found

    def _cached(self, recipe: RenderParameters) -> Path | None:
        if self.cache is None:
            return None
        words = [recipe.to_json().decode(), repr(self.features), repr(self.canvas.position), str(_FEATURES_VERSION)]
        words += [_file_state(url) for url in _image_urls(recipe)]
        key = hashlib.sha256("\n".join(words).encode()).hexdigest()
        return Path(self.cache) / key[:2] / f"{key}.npz"


def _image_urls(recipe: RenderParameters) -> list[str]:
    """Return the URLs of all images and masks of a recipe."""
    pyramids = [one for tile in recipe.tiles for one in (tile.mipmaps, *(channel.mipmaps for channel in tile.channels))]
    levels = [level for pyramid in pyramids for level in pyramid.values()]
    return [url for level in levels for url in (level.image_url, level.mask_url) if url is not None]


def _file_state(url: str) -> str:
    """Return size and time of a local file; nothing for others, which may be on another machine."""
    path = re.sub("^file:/*", "/", url)
    try:
        state = os.stat(path)
    except (OSError, ValueError):
        return ""
    return f"{path} {state.st_size} {state.st_mtime_ns}"
