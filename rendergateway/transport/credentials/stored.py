"""Credentials that lie in files and variables: read when needed, found again by every process, never carried along."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import tempfile
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from rendergateway.configuration import Configuration, configuration_path
from rendergateway.endpoints.address import EMBEDDED, Address
from rendergateway.errors import CredentialsError
from rendergateway.transport.credentials.credentials import BasicLogin, Credentials, bearer

__all__ = [
    "TokenFile",
    "configured_credentials",
    "forget_credentials",
    "login_path",
    "save_credentials",
    "stored_login",
]

_DEFAULT_KEY = "token"


class _SecretFile:
    """A file that says how requests are signed; it is read again when it changed."""

    travels = True

    def __init__(self, path: str | os.PathLike[str]) -> None:
        given = Path(path)
        # ~ is for the process that reads it, which may run elsewhere; a relative path is for this one.
        self.path = given if str(given).startswith("~") else given.absolute()
        self._read: tuple[Any, str] = (None, "")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"

    def sign(self, headers: MutableMapping[str, str]) -> None:
        """
        Add the authorization that the file holds now.

        Raises
        ------
        CredentialsError
            If the file is missing, is no such file, or others may read it.
        """
        headers["Authorization"] = self._authorization()

    def refresh(self, refused: str | None = None) -> bool:
        """Read the file again; False where it still holds what was refused."""
        self._read = (None, "")
        return self._authorization() != refused

    def _authorization(self) -> str:
        path = self.path.expanduser()
        try:
            status = path.stat()
            mark = (status.st_mtime_ns, status.st_size, status.st_ino)
            if self._read[0] != mark:
                _check_private(path, status)
                self._read = (mark, self._understand(path.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "it is no text"
            raise CredentialsError(f"{path} cannot be read for credentials: {why}") from error
        return self._read[1]

    def _understand(self, text: str) -> str:
        raise NotImplementedError


class TokenFile(_SecretFile):
    """
    A file that holds a bearer token: as its only word, or in JSON under a key.

    It is read when the first request is made, and again whenever it changed. A file of one's own that others may read
    is refused, as by ssh.

    Parameters
    ----------
    path : str or Path
        ``~`` stands for the home folder of whoever reads it.
    key : str, optional
        Where the file is JSON; ``token`` unless given.

    Notes
    -----
    It travels to other processes as its path; each reads the file for itself.

    Examples
    --------
    >>> TokenFile("~/.mysecrets/secrets.json", key="render")
    TokenFile('~/.mysecrets/secrets.json', key='render')
    """

    def __init__(self, path: str | os.PathLike[str], key: str | None = None) -> None:
        super().__init__(path)
        self.key = key

    def __repr__(self) -> str:
        key = "" if self.key is None else f", key={self.key!r}"
        return f"TokenFile({str(self.path)!r}{key})"

    def __reduce__(self) -> Any:
        return TokenFile, (str(self.path), self.key)

    def _understand(self, text: str) -> str:
        if self.key is None and not text.lstrip().startswith("{"):
            return bearer(text.strip(), f"the text of {self.path}")
        key = self.key or _DEFAULT_KEY
        return bearer(_members(text, self.path).get(key), f"the value of {key!r} in {self.path}")


class StoredLogin(_SecretFile):
    """What ``rendergateway login`` keeps for a server."""

    def __init__(self, path: str | os.PathLike[str], server: str) -> None:
        super().__init__(path)
        self.server = server

    def __reduce__(self) -> Any:
        return StoredLogin, (str(self.path), self.server)

    def _understand(self, text: str) -> str:
        values = _members(text, self.path)
        if values.get("server") != self.server:
            raise CredentialsError(f"{self.path} does not hold credentials for {self.server}; log in again")
        if "token" in values:
            return bearer(values["token"], f"the value of 'token' in {self.path}")
        headers: dict[str, str] = {}
        BasicLogin(str(values.get("username")), str(values.get("password"))).sign(headers)
        return headers["Authorization"]


class VariableToken:
    """A bearer token in a variable of the environment."""

    travels = True

    def __init__(self, variable: str) -> None:
        self.variable = variable

    def __repr__(self) -> str:
        return f"VariableToken({self.variable!r})"

    def sign(self, headers: MutableMapping[str, str]) -> None:
        """Add the bearer authorization."""
        headers["Authorization"] = bearer(os.environ.get(self.variable), f"the value of {self.variable}")

    def refresh(self, refused: str | None = None) -> bool:
        """Return whether the variable holds another token by now."""
        return f"Bearer {os.environ.get(self.variable)}" != refused


def configured_credentials(
    base_url: str, configuration: Configuration, environment: Mapping[str, str] = os.environ
) -> Credentials | None:
    """
    Return the credentials that environment, profile or a login hold for a server; None where there are none.

    What a place says of credentials counts only for the service that it names itself: a token goes nowhere else.

    Parameters
    ----------
    base_url : str
        Of the service that is asked.
    configuration : Configuration
        What all places say.
    environment : mapping, optional
        The environment's variables.
    """
    server = origin(base_url)
    for layer in configuration.layers:
        if not _names(layer.values.get("service"), server):
            continue
        if "token" in layer.values:
            return VariableToken(layer.sources["token"])
        if "token_file" in layer.values:
            return TokenFile(layer.values["token_file"], layer.values.get("token_key"))
    return stored_login(base_url, environment)


def _names(address: str | None, server: str) -> bool:
    if address is None or address.startswith(EMBEDDED):
        return False
    return origin(Address.parse(address).base_url) == server


def origin(base_url: str) -> str:
    """
    Return scheme, host and port of a URL: what credentials belong to.

    Examples
    --------
    >>> origin("https://render.example.org/render-ws/v1")
    'https://render.example.org:443'
    """
    split = urlsplit(base_url)
    host = f"[{split.hostname}]" if ":" in (split.hostname or "") else split.hostname
    return f"{split.scheme}://{host}:{split.port or (443 if split.scheme == 'https' else 80)}"


def login_path(base_url: str, environment: Mapping[str, str] = os.environ) -> Path:
    """Return the path of the file that holds the credentials of a server; it need not be there."""
    name = quote(origin(base_url).replace("://", "_").replace(":", "_"), safe="")
    return configuration_path(environment).parent / "credentials" / f"{name}.json"


def stored_login(base_url: str, environment: Mapping[str, str] = os.environ) -> Credentials | None:
    """Return the credentials that were saved for a server; None where there are none."""
    path = login_path(base_url, environment)
    return StoredLogin(path, origin(base_url)) if path.is_file() else None


def save_credentials(
    base_url: str,
    *,
    token: str | None = None,
    login: tuple[str, str] | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Path:
    """
    Keep credentials for a server in a file of their own, readable by nobody else, in the place of those before.

    Parameters
    ----------
    base_url : str
        Of the service.
    token : str, optional
        A bearer token.
    login : (str, str), optional
        User name and password.

    Returns
    -------
    Path
        Of the file.

    Raises
    ------
    CredentialsError
        If it is no token, or neither or both are given.
    """
    if (token is None) == (login is None):
        raise CredentialsError("give either a token, or user name and password")
    values = {"server": origin(base_url)}
    if login is not None:
        values |= {"username": login[0], "password": login[1]}
    else:
        bearer(token, "what was given")
        values["token"] = str(token)
    path = login_path(base_url, environment)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # mkstemp makes files of mode 600; a whole file comes into the place of the one before, or none does.
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.stem)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(values, file)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        raise
    return path


def forget_credentials(base_url: str, environment: Mapping[str, str] = os.environ) -> bool:
    """Remove the credentials that were saved for a server; False where there were none."""
    try:
        login_path(base_url, environment).unlink()
    except FileNotFoundError:
        return False
    return True


def _check_private(path: Path, status: os.stat_result) -> None:
    # As ssh does: what others own, a mounted secret for example, is their decision.
    if status.st_uid == os.getuid() and status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise CredentialsError(f"{path} can be read by others, so its secret is none; chmod 600 {path}")


def _members(text: str, path: Path) -> dict[str, Any]:
    try:
        values = json.loads(text)
    except ValueError:
        # The text is a secret, and the error would show it.
        raise CredentialsError(f"{path} is not JSON") from None
    if not isinstance(values, dict):
        raise CredentialsError(f"{path} is JSON, but no object with keys")
    return values
