"""``rendergateway config``: the settings in effect, and their sources."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
import click

from rendergateway.cli.services import service_options
from rendergateway.cli.terminal import json_option, result
from rendergateway.configuration import SETTINGS, Configuration, configuration_path, configured
from rendergateway.configuration.profiles import read_profiles
from rendergateway.endpoints.address import EMBEDDED
from rendergateway.transport import Address, Settings
from rendergateway.transport.credentials.stored import configured_credentials

__all__ = ["config"]

_EXAMPLE = 'a profile in it is [profiles.NAME] with service = "http://host:port"'
# Sources of settings in the words of the command line.
_SOURCES = {"argument": "--service"}


@click.group()
def config() -> None:
    """Show the configuration."""


@config.command()
@json_option
def path(as_json: bool) -> None:
    """Print the path of the configuration file, which need not exist."""
    file = str(configuration_path())
    result({"path": file}, file, as_json)


@config.command()
@json_option
@service_options
def show(service: str | None, profile: str | None, as_json: bool) -> None:
    """Print each setting with value and source, without secrets."""
    found = configured({"service": service}, profile=profile)
    settings, credentials, file = list(_settings(found)), _credentials(found), configuration_path()
    profiles = sorted(read_profiles(file)) if file.exists() else []
    values = {
        "settings": {name: {"value": value, "source": source} for name, value, source in settings},
        "credentials": credentials,
        "file": str(file),
        "profiles": profiles,
    }
    rows = [*settings, ("credentials", credentials, None)]
    texts = [tuple("-" if part is None else str(part) for part in row[:2]) for row in rows]
    widths = [max(len(row[column]) for row in texts) for column in (0, 1)]
    lines = [
        f"{name:{widths[0]}}  {value:{widths[1]}}  {row[2] or ''}".rstrip()
        for row, (name, value) in zip(rows, texts, strict=True)
    ]
    about = f": profiles {', '.join(profiles) or 'none'}" if file.exists() else f" does not exist; {_EXAMPLE}"
    result(values, "\n".join([*lines, "", f"{file}{about}"]), as_json)


def _settings(found: Configuration) -> Iterator[tuple[str, Any, str | None]]:
    defaults = attrs.asdict(Settings(), recurse=False)
    defaults["retries"] = Settings().retries.total
    for name, setting in SETTINGS.items():
        one = found.find(name)
        if one is not None:
            shown = setting.shown(one.value) if setting.is_secret or isinstance(one.value, str) else one.value
            yield name, shown, _SOURCES.get(one.source, one.source)
        else:
            yield name, defaults.get(name), "default" if name in defaults else None


def _credentials(found: Configuration) -> str | None:
    address = found.get("service")
    if address is None or address.startswith(EMBEDDED):
        return None
    parsed = Address.parse(address)
    if parsed.login is not None:
        return f"user {parsed.login[0]}, in the address"
    credentials = configured_credentials(parsed.base_url, found)
    return None if credentials is None else repr(credentials)
