"""The table of settings, used by profiles, environment, commands and documentation."""

from __future__ import annotations

from typing import Any, NamedTuple

from rendergateway.endpoints.address import masked
from rendergateway.errors import ConfigurationError
from rendergateway.visible_text import visible

__all__ = ["SETTINGS", "Setting"]

_BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_KINDS: dict[type, str] = {str: "text", float: "a number", int: "a whole number", bool: "true or false"}


# Their values may contain user name and password.
_ADDRESSES = ("service", "public_url")


class Setting(NamedTuple):
    """
    One setting.

    Attributes
    ----------
    name : str
        Name of the argument of `Gateway` and of the key in a profile.
    kind : type
        str, float, int or bool.
    meaning : str
        Short description.
    is_secret : bool
        Whether its value is never displayed, and not allowed in a profile.
    is_of_requests : bool
        Whether it configures requests, not the choice of the service.
    """

    name: str
    kind: type
    meaning: str
    is_secret: bool = False
    is_of_requests: bool = False

    def shown(self, value: object) -> str:
        """Return a value for display, without secrets."""
        if self.is_secret:
            return "…"
        return visible(masked(str(value)) if self.name in _ADDRESSES else str(value))

    @property
    def variable(self) -> str:
        """Name of the environment variable."""
        return f"RENDERGATEWAY_{self.name.upper()}"

    def parse(self, text: str) -> Any:
        """
        Parse the value of the environment variable.

        Raises
        ------
        ConfigurationError
            If the text is not of the setting's type.
        """
        try:
            return _BOOLEANS[text.strip().lower()] if self.kind is bool else self.kind(text)
        except (KeyError, ValueError) as error:
            shown = "" if self.is_secret else f": got {text!r}"
            raise ConfigurationError(f"{self.variable} must be {_KINDS[self.kind]}{shown}") from error

    def check(self, value: Any, place: str) -> Any:
        """
        Validate the *value* in a profile and convert it to the setting's type.

        Raises
        ------
        ConfigurationError
            If the value is of another type; the message contains its *place*.
        """
        kinds = (float, int) if self.kind is float else (self.kind,)
        if type(value) not in kinds:
            raise ConfigurationError(f"{place}: {self.name} must be {_KINDS[self.kind]}: got {self.shown(repr(value))}")
        return self.kind(value)


SETTINGS = {
    setting.name: setting
    for setting in (
        Setting("service", str, "http://host:port, or embedded:PATH"),
        Setting("owner", str, "default owner"),
        Setting("project", str, "default project"),
        Setting("public_url", str, "base URL of the service for browsers, for links in pages"),
        Setting("token", str, "a bearer token", is_secret=True),
        Setting("token_file", str, "a file that contains a bearer token"),
        Setting("token_key", str, "key of the token in a JSON file"),
        Setting("ca", str, "file or folder of certificates of trusted authorities", is_of_requests=True),
        Setting(
            "cert", str, "file of the client's certificate, with its key if cert_key is not set", is_of_requests=True
        ),
        Setting("cert_key", str, "file of the key of the client's certificate", is_of_requests=True),
        Setting("timeout_s", float, "seconds to wait for a connection", is_of_requests=True),
        Setting(
            "data_timeout_s",
            float,
            "seconds to wait for each next piece of data, sent or received",
            is_of_requests=True,
        ),
        Setting("budget_s", float, "seconds for a request including all attempts and waits", is_of_requests=True),
        Setting("answer_limit", int, "maximal size of an answer in bytes", is_of_requests=True),
        Setting("pool_size", int, "connections kept open", is_of_requests=True),
        Setting(
            "pool_block", bool, "whether a request waits for a free connection if all are in use", is_of_requests=True
        ),
        Setting("retries", int, "attempts after the first, for requests that are safe to repeat", is_of_requests=True),
    )
}
