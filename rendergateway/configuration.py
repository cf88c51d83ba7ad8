"""
Which service is meant: what was asked for, else the environment, else a profile, else renderapi's variables.

There is no default store: data that lands where nobody looks is lost.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from rendergateway.errors import ConfigurationError

__all__ = ["ServiceChoice", "choose_service", "configuration_path"]

SERVICE_VARIABLE = "RENDERGATEWAY_SERVICE"
PROFILE_VARIABLE = "RENDERGATEWAY_PROFILE"
CONFIGURATION_VARIABLE = "RENDERGATEWAY_CONFIG"


@attrs.frozen
class ServiceChoice:
    """
    A service, and the owner and project that names without them belong to.

    Attributes
    ----------
    address : str
        As `Gateway` takes it.
    owner, project : str or None
        Defaults.
    source : str
        Where the address came from, for messages.
    """

    address: str
    owner: str | None = None
    project: str | None = None
    source: str = "argument"


def configuration_path(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the path of the configuration file; it need not be there."""
    if environment.get(CONFIGURATION_VARIABLE):
        return Path(environment[CONFIGURATION_VARIABLE]).expanduser()
    base = environment.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(base).expanduser() / "rendergateway" / "config.toml"


def choose_service(
    address: str | None = None, *, profile: str | None = None, environment: Mapping[str, str] = os.environ
) -> ServiceChoice:
    """
    Find out which service is meant.

    Parameters
    ----------
    address : str, optional
        An address or ``embedded:PATH``; counts before all else.
    profile : str, optional
        Name of a profile in the configuration file; ``RENDERGATEWAY_PROFILE`` unless given.
    environment : mapping, optional
        The environment's variables.

    Raises
    ------
    ConfigurationError
        If nothing names a service, or the profile named is not there.
    """
    owner, project = environment.get("RENDER_OWNER"), environment.get("RENDER_PROJECT")
    if address:
        return ServiceChoice(address, owner, project)
    if environment.get(SERVICE_VARIABLE):
        return ServiceChoice(environment[SERVICE_VARIABLE], owner, project, SERVICE_VARIABLE)
    profile = profile or environment.get(PROFILE_VARIABLE)
    if profile:
        return _from_profile(profile, configuration_path(environment))
    if environment.get("RENDER_HOST"):
        host, port = environment["RENDER_HOST"], environment.get("RENDER_PORT")
        return ServiceChoice(f"{host}:{port}" if port else host, owner, project, "RENDER_HOST")
    raise ConfigurationError(
        "which service is meant? Give an address, a profile, or --service embedded:./render.db for one in a file; "
        f"or set {SERVICE_VARIABLE}"
    )


def _from_profile(name: str, path: Path) -> ServiceChoice:
    profiles = _read(path).get("profiles", {})
    values = profiles.get(name)
    if not isinstance(values, dict) or not isinstance(values.get("service"), str):
        known = ", ".join(sorted(profiles)) or "none"
        raise ConfigurationError(
            f"{path} has no profile {name!r} with a service (profiles there: {known}); write [profiles.{name}] and "
            'service = "http://host:port"'
        )
    return ServiceChoice(values["service"], values.get("owner"), values.get("project"), f"profile {name}")


def _read(path: Path) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigurationError(f"there is no configuration file {path}") from error
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from error
