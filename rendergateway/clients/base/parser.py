"""The command line of a client, by the rules of the Java clients' parser."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from rendergateway.clients.base.options import Client, Option
from rendergateway.errors import CommandError

__all__ = ["help_text", "parse"]

C = TypeVar("C", bound=Client)

_INT_RANGE = range(-(2**31), 2**31)
# Java accepts a suffix for the type, and no underscore.
_INTEGER = re.compile(r"[+-]?[0-9]+")
_REAL = re.compile(r"[+-]?(NaN|Infinity|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)[dDfF]?")
_POSITIONAL = "[Main class]"


def parse(client: type[C], arguments: Sequence[str]) -> C:
    """
    Return the client with the values of a command line.

    Only the names of options are options: any other argument is a positional value, or a value of the option before it
    if that takes several. ``@file`` means the lines of a file.

    Raises
    ------
    CommandError
        If an option is missing, lacks its value, is given twice or has a value of the wrong type.
    """
    return client.of_values(_Parser(client).parse([word for one in arguments for word in _expanded(one)]))


def _expanded(word: str) -> list[str]:
    """Return the lines of the file for ``@file``, without those that are empty or begin with ``#``."""
    if not word.startswith("@"):
        return [word]
    try:
        lines = Path(word[1:]).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"Could not read file {word[1:]}: {error}") from error
    return [line for line in lines if line and not line.strip().startswith("#")]


class _Parser:
    def __init__(self, client: type[Client]) -> None:
        self._options = list(client.options())
        self._by_name = {name: option for option in self._options for name in option.names}
        self._positional = next((option for option in self._options if option.is_positional), None)
        self._values: dict[str, Any] = {}

    def parse(self, arguments: Sequence[str]) -> dict[str, Any]:
        at = 0
        while at < len(arguments):
            word = arguments[at]
            option = self._by_name.get(word)
            if option is None:
                self._add_positional(word)
                at += 1
            elif option.takes == "flag":
                self._set(option, word, True)
                at += 1
            else:
                end = self._end_of_values(arguments, at + 1) if option.takes == "many" else at + 2
                if end > len(arguments) or end == at + 1:
                    raise CommandError(f"Expected a value after parameter {word}")
                for text in arguments[at + 1 : end]:
                    self._add(option, word, text)
                at = end
        self._check_required()
        return self._values

    def _end_of_values(self, arguments: Sequence[str], start: int) -> int:
        end = start
        while end < len(arguments) and arguments[end] not in self._by_name:
            end += 1
        return end

    def _add_positional(self, text: str) -> None:
        option = self._positional
        if option is None:
            raise CommandError(
                f"Was passed main parameter '{text}' but no main parameter was defined in your arg class"
            )
        self._values[option.field] = (*self._values.get(option.field, ()), _value(option, _POSITIONAL, text))

    def _add(self, option: Option, name: str, text: str) -> None:
        if option.is_list:
            values = tuple(_value(option, name, part) for part in text.split(",") if part)
            self._values[option.field] = (*self._values.get(option.field, ()), *values)
        else:
            self._set(option, name, _value(option, name, text))

    def _set(self, option: Option, name: str, value: Any) -> None:
        if option.field in self._values:
            raise CommandError(f"Can only specify option {name} once.")
        self._values[option.field] = value

    def _check_required(self) -> None:
        missing = [one for one in self._options if one.is_required and one.field not in self._values]
        names = [f"[{' | '.join(one.names)}]" for one in missing if not one.is_positional]
        if names:
            verb = "option is required" if len(names) == 1 else "options are required"
            raise CommandError(f"The following {verb}: {', '.join(names)}")
        if missing:
            raise CommandError(f'Main parameters are required ("{missing[0].help}")')


def _value(option: Option, name: str, text: str) -> Any:
    kind = option.kind
    if isinstance(kind, tuple):
        for value in (text, text.upper()):
            if value in kind:
                return value
        raise CommandError(f"Invalid value for {name} parameter. Allowed values:[{', '.join(kind)}]")
    if kind is bool:
        if text.lower() not in ("true", "false"):
            raise _not_a(name, text, "a boolean")
        return text.lower() == "true"
    if kind is int:
        if not _INTEGER.fullmatch(text) or int(text) not in _INT_RANGE:
            raise _not_a(name, text, "an integer")
        return int(text)
    if kind is float:
        number = _REAL.fullmatch(text)
        if number is None:
            raise _not_a(name, text, "a double")
        return float(text.rstrip("dDfF"))
    return text


def _not_a(name: str, text: str, kind: str) -> CommandError:
    return CommandError(f'"{name}": couldn\'t convert "{text}" to {kind}')


def help_text(client: type[Client]) -> str:
    """Return the options of a client for display; those that are required have a star."""
    options = list(client.options())
    last = next((option for option in options if option.is_positional), None)
    lines = [f"Usage: {client.__name__} [options]{' VALUE …' if last else ''}", "", _first_line(client.__doc__)]
    if last:
        lines += ["", f"  VALUE …{'' if last.is_required else ' (optional)'}", f"      {last.help}"]
    lines += ["", "Options (* required):"]
    for option in sorted((one for one in options if not one.is_positional), key=lambda one: one.names[-1]):
        lines.append(f"  {'*' if option.is_required else ' '} {', '.join(option.names)}{_values_of(option)}")
        lines += [f"      {line}" for line in (option.help, _default_of(option)) if line]
    return "\n".join(lines)


def _first_line(docstring: str | None) -> str:
    return (docstring or "").strip().partition("\n")[0]


def _values_of(option: Option) -> str:
    if option.takes == "flag":
        return ""
    kind = option.kind
    word = "|".join(kind) if isinstance(kind, tuple) else _KINDS[kind]
    return f" {word}{' …' if option.takes == 'many' else ''}"


def _default_of(option: Option) -> str:
    if option.is_required or option.takes == "flag" or option.default in (None, ()):
        return ""
    return f"Default: {str(option.default).lower() if option.kind is bool else option.default}"


_KINDS: dict[type, str] = {str: "TEXT", int: "INTEGER", float: "NUMBER", bool: "true|false"}
