"""Profiles in the configuration file, with errors by file and line."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rendergateway.configuration.settings import SETTINGS
from rendergateway.errors import ConfigurationError

__all__ = ["CONFIGURATION_VARIABLE", "configuration_path", "read_profile", "read_profiles"]

CONFIGURATION_VARIABLE = "RENDERGATEWAY_CONFIG"
_SECRETS = ("token", "password", "username")
_KNOWN = [setting.name for setting in SETTINGS.values() if not setting.is_secret]


def configuration_path(environment: Mapping[str, str] = os.environ) -> Path:
    """
    Return the path of the configuration file, whether or not it exists.

    ``RENDERGATEWAY_CONFIG``, else ``rendergateway/config.toml`` in ``XDG_CONFIG_HOME``, else in ``~/.config``.
    """
    if environment.get(CONFIGURATION_VARIABLE):
        return Path(environment[CONFIGURATION_VARIABLE]).expanduser()
    base = environment.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(base).expanduser() / "rendergateway" / "config.toml"


def read_profile(name: str, path: Path) -> dict[str, Any]:
    """
    Return the settings of a profile.

    Raises
    ------
    ConfigurationError
        If the file, the profile or its service is missing, or the file is invalid.
    """
    profiles = read_profiles(path)
    if "service" not in profiles.get(name, {}):
        known = ", ".join(sorted(profiles)) or "none"
        raise ConfigurationError(
            f"missing profile with a service in {path}: got {name!r}, known profiles are {known}; add "
            f'[profiles.{name}] and service = "http://host:port"'
        )
    return profiles[name]


def read_profiles(path: Path) -> dict[str, dict[str, Any]]:
    """
    Return the validated settings of all profiles.

    Raises
    ------
    ConfigurationError
        If the file is missing, unreadable or invalid.
    """
    text, values = _read(path)
    for key in values:
        if key != "profiles":
            raise ConfigurationError(
                f"{_place(path, text, '', key)}: unknown key: got {key!r}; the file may contain [profiles.NAME] only"
            )
    profiles = values.get("profiles", {})
    for name, profile in profiles.items():
        if not isinstance(profile, dict):
            place = _place(path, text, "profiles", name)
            raise ConfigurationError(f"{place}: a profile must be a table: got {profile!r}; write [profiles.{name}]")
        profiles[name] = {
            key: _checked(key, value, _place(path, text, f"profiles.{name}", key)) for key, value in profile.items()
        }
    return profiles  # type: ignore[no-any-return]


def _checked(key: str, value: Any, place: str) -> Any:
    if key in _SECRETS:
        raise ConfigurationError(
            f"{place}: secrets are not allowed in this file: got {key!r}; use `rendergateway login`, or token_file for "
            "an existing file"
        )
    if key not in _KNOWN:
        raise ConfigurationError(f"{place}: unknown key: got {key!r}; known keys are {', '.join(_KNOWN)}")
    return SETTINGS[key].check(value, place)


def _place(path: Path, text: str, table: str, key: str) -> str:
    """Return the path, and the line number of *key* in *table* if a simple search finds it."""
    current = ""
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*\[([^\[\]]*)\]", line)
        if header:
            current = re.sub(r"[\s'\"]", "", header[1])
            if current == f"{table}.{key}".lstrip("."):
                return f"{path}, line {number}"
        elif current == table and re.match(rf"\s*['\"]?{re.escape(key)}['\"]?\s*=", line):
            return f"{path}, line {number}"
    return str(path)


def _read(path: Path) -> tuple[str, dict[str, Any]]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        text = path.read_text(encoding="utf-8")
        return text, tomllib.loads(text)
    except FileNotFoundError as error:
        raise ConfigurationError(
            f'missing configuration file {path}; create it with [profiles.NAME] and service = "http://host:port"'
        ) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"cannot read {path}: {error}") from error
