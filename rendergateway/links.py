"""Addresses of stacks, sections and tiles in viewers, and the lines of Python and shell that reach an object."""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlencode, urlsplit

import attrs

from rendergateway.endpoints import ENDPOINTS
from rendergateway.errors import ConfigurationError, RecordError
from rendergateway.number_text import double_text

if TYPE_CHECKING:
    from rendergateway.geometry import Bounds

__all__ = [
    "NEUROGLANCER",
    "VIEWERS",
    "Target",
    "as_position",
    "centre_of",
    "command_line",
    "description",
    "link",
    "neuroglancer_source",
    "neuroglancer_state",
    "python_line",
]

# The public deployment; its code runs in the browser, and reads the service from there.
NEUROGLANCER = "https://neuroglancer-demo.appspot.com"
_NM_M = 1e-9
_DATA = "/render-ws/v1"
# Levels of CATMAID at which a whole stack, a section and a tile are shown.
_LEVELS = {"stack": 8, "section": 8, "tile": 2}
_READ = {"stack": "stack.read", "section": "section.section_data", "tile": "tile.read"}
_DASHBOARDS = {"stack": "stack-details", "section": "tile-layer", "tile": "tile-with-neighbors"}

Position = tuple[float, float, float]


@attrs.frozen
class Target:
    """
    The object of a link.

    Attributes
    ----------
    kind : {'stack', 'section', 'tile'}
    base_url : str
        Base URL of the service as browsers reach it, up to and including ``/v1``.
    values : dict of str
        Path values: owner, project, stack, and z or tile_id.
    resolution_nm : callable
        Returns nanometres per pixel in x and y, and section thickness; None if not set.
    position : callable
        Returns x, y in world pixels and z of the centre; None if it is unknown.
    """

    kind: str
    base_url: str
    values: dict[str, Any]
    resolution_nm: Callable[[], Sequence[float | None]]
    position: Callable[[], Position | None]

    @property
    def names(self) -> tuple[str, str, str]:
        """Owner, project and stack."""
        return self.values["owner"], self.values["project"], self.values["stack"]

    def known_position(self) -> Position:
        """Return the position; raise `RecordError` if it is unknown."""
        position = self.position()
        if position is None:
            raise RecordError(f"stack {self.names[-1]!r} has no bounds to centre on; complete it, or pass at=(x, y, z)")
        return position


def centre_of(box: Bounds | None, z: float | None = None) -> Position | None:
    """Return the centre of a box of a stack or tile as x, y, z; None without a box or z."""
    if box is None:
        return None
    if z is None:
        if box.min_z is None or box.max_z is None:
            return None
        z = (box.min_z + box.max_z) / 2
    return (box.min_x + box.max_x) / 2, (box.min_y + box.max_y) / 2, z


def as_position(at: Sequence[float]) -> Position:
    """Return x, y and z; raise `ValueError` unless they are three finite numbers."""
    values = [float(value) for value in at]
    if len(values) != 3 or not all(map(math.isfinite, values)):
        raise ValueError(f"at must be x, y and z, finite: got {at!r}")
    return values[0], values[1], values[2]


def link(viewer: str, target: Target, host: str | None = None) -> str:
    """
    Return the address of an object in a viewer; see `StackWrapper.link`.

    Raises
    ------
    ValueError
        If the viewer is unknown.
    ConfigurationError
        If the service has no address for browsers, or the viewer needs *host*.
    RecordError
        If the viewer needs the resolution or the bounds of the stack, and they are not set.
    """
    if viewer not in VIEWERS:
        raise ValueError(f"viewer must be one of {', '.join(VIEWERS)}; got {viewer!r}")
    return VIEWERS[viewer](target, host)


def neuroglancer_source(base_url: str, names: tuple[str, str, str]) -> str:
    """
    Return the data source of a stack in neuroglancer: ``render://http://host:port/owner/project/stack``.

    Raises
    ------
    ConfigurationError
        If the service has no address for browsers, or one that neuroglancer cannot express.
    """
    root = _root(base_url)
    if urlsplit(root).path:
        raise ConfigurationError(
            f"neuroglancer reaches services at the root of a host only: got {root!r}; publish /render-ws there"
        )
    return "render://" + "/".join([root, *(quote(name, safe="") for name in names)])


def neuroglancer_state(address: str) -> dict[str, Any]:
    """Return the state of neuroglancer that an address of `link` contains: layers, dimensions, position."""
    state: dict[str, Any] = json.loads(unquote(address.partition("#!")[2]))
    return state


def _neuroglancer(target: Target, host: str | None) -> str:
    source = neuroglancer_source(target.base_url, target.names)
    state: dict[str, Any] = {"layers": [{"type": "image", "source": source, "name": target.names[-1]}]}
    resolution, position = target.resolution_nm(), target.position()
    if None not in resolution and position is not None:
        # Without both, neuroglancer starts in the middle of what the service reports.
        sides = zip("xyz", resolution, strict=True)
        state |= {"dimensions": {axis: [side * _NM_M, "m"] for axis, side in sides if side is not None}}
        state |= {"position": list(position), "layout": "xy"}
    return f"{(host or NEUROGLANCER).rstrip('/')}/#!{quote(json.dumps(state), safe='')}"


def _catmaid(target: Target, host: str | None) -> str:
    server = _given(host, "CATMAID")
    owner, project, stack = target.names
    resolution = target.resolution_nm()
    if None in resolution:
        raise RecordError(
            f"CATMAID needs the resolution of stack {stack!r}, which is not set; stack.update(resolution_nm=…) sets it"
        )
    place = [side * step for side, step in zip(target.known_position(), resolution, strict=True) if step is not None]
    values = {
        "pid": f"{owner}__{project}",
        "sid0": stack,
        "s0": _LEVELS[target.kind],
        **{name: double_text(value) for name, value in zip(("xp", "yp", "zp"), place, strict=True)},
        "tool": "navigator",
    }
    return f"{server}/?{_query(values)}"


def _ndviz(target: Target, host: str | None) -> str:
    parts = [urlsplit(_root(target.base_url)).netloc, *target.names]
    return f"{_given(host, 'NdViz')}/render/{'/'.join(quote(part, safe=':') for part in parts)}/"


def _dashboard(target: Target, host: str | None) -> str:
    owner, project, stack = target.names
    values = {"renderStackOwner": owner, "renderStackProject": project, "renderStack": stack}
    if target.kind == "section":
        values["z"] = double_text(target.values["z"])
    elif target.kind == "tile":
        values["tileId"] = target.values["tile_id"]
    return f"{host or _root(target.base_url)}/render-ws/view/{_DASHBOARDS[target.kind]}.html?{_query(values)}"


def _json(target: Target, host: str | None) -> str:
    _root(target.base_url)
    return target.base_url + ENDPOINTS[_READ[target.kind]].url(target.values)


VIEWERS: dict[str, Callable[[Target, str | None], str]] = {
    "neuroglancer": _neuroglancer,
    "catmaid": _catmaid,
    "ndviz": _ndviz,
    "dashboard": _dashboard,
    "json": _json,
}


def description(base_url: str) -> str | None:
    """Return the address of the OpenAPI description of a service; None if it has no address for browsers."""
    if not base_url.startswith(("http:", "https:")):
        return None
    return f"{_root(base_url)}/render-ws/swagger.json"


def _query(values: dict[str, Any]) -> str:
    return urlencode(values, quote_via=quote, safe="")


def _given(host: str | None, viewer: str) -> str:
    if not host:
        raise ConfigurationError(f"{viewer} needs the address of its server; pass host='https://…'")
    return host.rstrip("/")


def _root(base_url: str) -> str:
    """Return the base URL without the path of the service."""
    if not base_url.startswith(("http:", "https:")):
        raise ConfigurationError(
            f"the service has no address for browsers: got {base_url!r}; serve the database with 'rendergateway "
            "serve', or pass Gateway(public_url=…)"
        )
    return base_url.removesuffix(_DATA)


# Lines that reach an object


def python_line(server: str, kind: str, key: Sequence[Any]) -> str:
    """
    Return the Python expression that reaches an object.

    Parameters
    ----------
    server : str
        The address of the service.
    kind : str
        ``owner``, ``project``, ``stack``, ``section``, ``tile``, ``match_collection`` or ``match_pair``.
    key : sequence
        Its key.

    Examples
    --------
    >>> python_line("localhost:8080", "section", ("lab", "cortex", "montage", 3.0))
    "Gateway('localhost:8080').stack('lab/cortex/montage').section(3.0)"
    """
    start, values = f"Gateway({server!r})", list(key)
    if kind in ("owner", "project", "stack"):
        return f"{start}.{kind}({'/'.join(values)!r})"
    if kind in ("section", "tile"):
        return f"{start}.stack({'/'.join(values[:3])!r}).{kind}({values[3]!r})"
    collection = f"{start}.match_collection({values[1]!r}, owner={values[0]!r})"
    if kind == "match_pair":
        return f"{collection}.pair({(values[2], values[3])!r}, {(values[4], values[5])!r})"
    return collection


def command_line(server: str, kind: str, key: Sequence[Any]) -> str | None:
    """
    Return the command that shows an object; None if no command does.

    Parameters are those of `python_line`.

    Examples
    --------
    >>> command_line("localhost:8080", "stack", ("lab", "cortex", "montage"))
    'rendergateway tree --service localhost:8080 lab/cortex/montage'
    """
    service = ["--service", server]
    stack = "/".join(map(str, key[:3]))
    # A name that begins with a dash is not an option.
    name = ["--", stack] if stack.startswith("-") else [stack]
    words = {
        "owner": ["tree", *service],
        "project": ["tree", *service],
        "stack": ["tree", *service, *name],
        "section": ["picture", f"--z={key[-1]}", "--scale=0.25", "-o", "section.png", *service, *name],
        "tile": ["picture", f"--tile={key[-1]}", "-o", "tile.png", *service, *name],
    }.get(kind)
    return None if words is None else shlex.join(["rendergateway", *words])
