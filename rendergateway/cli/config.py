"""``rendergateway config``: the settings in effect, and their sources."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import click

from rendergateway.cli.services import service_options
from rendergateway.cli.terminal import print_result
from rendergateway.configuration import SETTINGS, Configuration, configuration_path, configured
from rendergateway.configuration.profiles import read_profiles
from rendergateway.endpoints.address import EMBEDDED
from rendergateway.transport import Address, Settings
from rendergateway.transport.credentials.stored import configured_credentials

__all__ = ["config"]


@click.group()
def config() -> None:
    """Show the configuration."""


@config.command()
def path() -> None:
    """Print the path of the configuration file, which need not exist."""
    click.echo(configuration_path())


@config.command()
@service_options
def show(service: str | None, profile: str | None) -> None:
    """Print each setting with value and source, without secrets."""
    found = configured({"service": service}, profile=profile)
    rows = [*_settings(found), ("credentials", _credentials(found), "")]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    for name, value, source in rows:
        print_result(f"{name:{widths[0]}}  {value:{widths[1]}}  {source}".rstrip())
    print_result(f"\n{_file()}")


def _settings(found: Configuration) -> Iterator[tuple[str, str, str]]:
    defaults = attrs.asdict(Settings(), recurse=False)
    defaults["retries"] = Settings().retries.total
    for name, setting in SETTINGS.items():
        one = found.find(name)
        if one is not None:
            yield name, setting.shown(one.value), one.source
        elif defaults.get(name) is not None:
            yield name, str(defaults[name]), "default"
        else:
            yield name, "-", ""


def _credentials(found: Configuration) -> str:
    address = found.get("service")
    if address is None or address.startswith(EMBEDDED):
        return "-"
    parsed = Address.parse(address)
    if parsed.login is not None:
        return f"user {parsed.login[0]}, in the address"
    credentials = configured_credentials(parsed.base_url, found)
    return "-" if credentials is None else repr(credentials)


def _file() -> str:
    file = configuration_path()
    if not file.exists():
        return f'{file} does not exist; a profile in it is [profiles.NAME] with service = "http://host:port"'
    return f"{file}: profiles {', '.join(sorted(read_profiles(file))) or 'none'}"
