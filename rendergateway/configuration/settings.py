"""The one table of what can be configured; profiles, environment, command and documentation read it."""

from __future__ import annotations

from typing import Any, NamedTuple

from rendergateway.errors import ConfigurationError

__all__ = ["SETTINGS", "Setting"]

_BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_KINDS: dict[type, str] = {str: "text", float: "a number", int: "a whole number", bool: "true or false"}


class Setting(NamedTuple):
    """
    Something that can be configured.

    Attributes
    ----------
    name : str
        As the argument of `Gateway` and as the key in a profile.
    kind : type
        str, float, int or bool.
    meaning : str
        A few words.
    is_secret : bool
        Whether its value is never shown, and never stands in a profile.
    is_of_requests : bool
        Whether it says how requests are made, not which service is meant.
    """

    name: str
    kind: type
    meaning: str
    is_secret: bool = False
    is_of_requests: bool = False

    @property
    def variable(self) -> str:
        """The variable of the environment."""
        return f"RENDERGATEWAY_{self.name.upper()}"

    def parse(self, text: str) -> Any:
        """
        Read the value of the variable.

        Raises
        ------
        ConfigurationError
            If it is not of its kind.
        """
        try:
            return _BOOLEANS[text.strip().lower()] if self.kind is bool else self.kind(text)
        except (KeyError, ValueError) as error:
            shown = "" if self.is_secret else f", not {text!r}"
            raise ConfigurationError(f"{self.variable} is {_KINDS[self.kind]}{shown}") from error

    def check(self, value: Any, place: str) -> Any:
        """
        Return the *value* of a profile, of its kind.

        Raises
        ------
        ConfigurationError
            If it is not; *place* says where it stands.
        """
        kinds = (float, int) if self.kind is float else (self.kind,)
        if type(value) not in kinds:
            raise ConfigurationError(f"{place}: {self.name} is {_KINDS[self.kind]}, not {value!r}")
        return self.kind(value)


SETTINGS = {
    setting.name: setting
    for setting in (
        Setting("service", str, "http://host:port, or embedded:PATH"),
        Setting("owner", str, "whose stacks are meant where a call does not say"),
        Setting("project", str, "which project is meant where a call does not say"),
        Setting("public_url", str, "where browsers reach the service, for addresses in pages"),
        Setting("token", str, "a bearer token", is_secret=True),
        Setting("token_file", str, "a file that holds a bearer token"),
        Setting("token_key", str, "the key of the token in that file, where it is JSON"),
        Setting("timeout_s", float, "seconds to wait for a connection", is_of_requests=True),
        Setting(
            "data_timeout_s",
            float,
            "seconds to wait for each next piece of data, sent or received",
            is_of_requests=True,
        ),
        Setting("budget_s", float, "seconds for a request with all its attempts and waits", is_of_requests=True),
        Setting("answer_limit", int, "most bytes of one answer", is_of_requests=True),
        Setting("pool_size", int, "connections kept open", is_of_requests=True),
        Setting(
            "pool_block", bool, "whether a request waits for a free connection when all are in use", is_of_requests=True
        ),
        Setting("retries", int, "attempts after the first, where a request may be repeated", is_of_requests=True),
    )
}
