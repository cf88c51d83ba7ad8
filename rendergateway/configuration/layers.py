"""Layers of the configuration and their precedence."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from rendergateway.configuration.profiles import configuration_path, read_profile
from rendergateway.configuration.settings import SETTINGS
from rendergateway.errors import ConfigurationError

__all__ = ["Configuration", "Found", "Layer", "configured"]

_PROFILE_VARIABLE = "RENDERGATEWAY_PROFILE"
# The variables of renderapi, and the names of them in its guide.
_RENDERAPI_PREFIXES = ("RENDER_", "DEFAULT_RENDER_")


class Layer(NamedTuple):
    """
    The values from one source.

    Attributes
    ----------
    source : str
        Name of the source, for messages.
    values : dict
        Setting → value.
    sources : dict
        Setting → more specific name of its source.
    """

    source: str
    values: dict[str, Any]
    sources: Mapping[str, str] = {}

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={SETTINGS[name].shown(value)}" for name, value in self.values.items())
        return f"<Layer {self.source}: {shown}>"


class Found(NamedTuple):
    """A value and its source."""

    value: Any
    source: str

    def __repr__(self) -> str:
        # The value may be a secret.
        return f"<Found in {self.source}>"


class Configuration(NamedTuple):
    """
    All layers, in order of precedence.

    Attributes
    ----------
    layers : tuple of Layer
        For each setting the first layer with a value applies: arguments; the profile named by an argument;
        ``RENDERGATEWAY_…`` variables; the profile named by ``RENDERGATEWAY_PROFILE``; ``RENDER_…``;
        ``DEFAULT_RENDER_…``.
    """

    layers: tuple[Layer, ...]

    def find(self, name: str) -> Found | None:
        """Return the effective value of a setting and its source; None if not set."""
        for layer in self.layers:
            if name in layer.values:
                return Found(layer.values[name], layer.sources.get(name, layer.source))
        return None

    def get(self, name: str) -> Any:
        """Return the effective value of a setting; None if not set."""
        found = self.find(name)
        return found.value if found is not None else None

    @property
    def service(self) -> str:
        """
        Address of the service.

        Raises
        ------
        ConfigurationError
            If no layer sets the service.
        """
        address: str | None = self.get("service")
        if address is None:
            raise ConfigurationError(
                "no service configured: pass an address (http://host:port, or embedded:./render.db for a database "
                f"file) or a profile, or set {SETTINGS['service'].variable}"
            )
        return address

    def of_requests(self) -> dict[str, Any]:
        """Return the settings of limits, pool and retries."""
        names = [name for name, setting in SETTINGS.items() if setting.is_of_requests]
        return {name: found.value for name in names if (found := self.find(name)) is not None}


def configured(
    arguments: Mapping[str, Any] | None = None,
    *,
    profile: str | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Configuration:
    """
    Collect the configuration from arguments, environment and profiles.

    Parameters
    ----------
    arguments : mapping, optional
        Setting → value; None means not set.
    profile : str, optional
        Name of a profile in the configuration file; ``RENDERGATEWAY_PROFILE`` by default.
    environment : mapping, optional
        Environment variables.

    Raises
    ------
    ConfigurationError
        If a named profile is missing, or a value is of the wrong type.
    """
    given = {name: value for name, value in (arguments or {}).items() if value is not None}
    layers = [Layer("argument", given)]
    if profile is not None:
        layers.append(_profile_layer(profile, environment))
    layers.append(_own_variables(environment))
    if profile is None and environment.get(_PROFILE_VARIABLE):
        layers.append(_profile_layer(environment[_PROFILE_VARIABLE], environment))
    layers += [_renderapi_variables(prefix, environment) for prefix in _RENDERAPI_PREFIXES]
    return Configuration(tuple(layer for layer in layers if layer.values))


def _profile_layer(name: str, environment: Mapping[str, str]) -> Layer:
    return Layer(f"profile {name}", read_profile(name, configuration_path(environment)))


def _own_variables(environment: Mapping[str, str]) -> Layer:
    given = [setting for setting in SETTINGS.values() if environment.get(setting.variable)]
    values = {setting.name: setting.parse(environment[setting.variable]) for setting in given}
    return Layer("environment", values, {setting.name: setting.variable for setting in given})


def _renderapi_variables(prefix: str, environment: Mapping[str, str]) -> Layer:
    host, port, owner, project = (environment.get(prefix + word) for word in ("HOST", "PORT", "OWNER", "PROJECT"))
    service = f"{host}:{port}" if host and port else host
    values = {name: value for name, value in (("service", service), ("owner", owner), ("project", project)) if value}
    variables = {"service": prefix + "HOST", "owner": prefix + "OWNER", "project": prefix + "PROJECT"}
    return Layer(f"{prefix}…", values, {name: variables[name] for name in values})
