"""Credentials in files: token files, stored logins, and the lookup of configured credentials."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from rendergateway.configuration import Configuration, configuration_path
from rendergateway.endpoints.address import EMBEDDED, Address
from rendergateway.errors import CredentialsError
from rendergateway.transport.credentials.basic import AuthorizationHeader, BasicLogin, Credentials
from rendergateway.transport.credentials.token import VariableToken, bearer

__all__ = [
    "TokenFile",
    "configured_credentials",
    "forget_credentials",
    "login_path",
    "save_credentials",
    "stored_login",
]


class _SecretFile(AuthorizationHeader):
    """A private file with a secret, read again after a change; a pickle contains its path only."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        given = Path(path)
        # ~ is the home folder in the process that reads the file; a relative path belongs to this process.
        self.path = given if str(given).startswith("~") else given.absolute()
        self._cache: tuple[Any, str] = (None, "")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_cache": (None, "")}

    def authorization(self) -> str:
        """
        Return the authorization from the current content of the file.

        Raises
        ------
        CredentialsError
            If the file is missing, unreadable or malformed, or others may read it.
        """
        path = self.path.expanduser()
        try:
            status = path.stat()
            version = (status.st_mtime_ns, status.st_size, status.st_ino)
            if self._cache[0] != version:
                _check_private(path, status)
                self._cache = (version, self._parse(path.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not UTF-8 text"
            raise CredentialsError(f"cannot read credentials from {path}: {reason}") from error
        return self._cache[1]

    def refresh(self, refused: str | None = None) -> bool:
        """Read the file again; return False if it still contains the refused secret."""
        self._cache = (None, "")
        return super().refresh(refused)

    def _parse(self, text: str) -> str:
        raise NotImplementedError


class TokenFile(_SecretFile):
    """
    A file that contains a bearer token: as its only word, or in JSON under a key.

    It is read for the first request, and again after each change. A file of the current user that others may read is
    rejected, like by ssh.

    Parameters
    ----------
    path : str or Path
        ``~`` is the home folder of the process that reads the file.
    key : str, optional
        Key of the token in a JSON file; ``token`` by default.

    Notes
    -----
    A pickle contains the path; each process reads the file itself.

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

    def _parse(self, text: str) -> str:
        if self.key is None and not text.lstrip().startswith("{"):
            return bearer(text.strip(), f"the text of {self.path}")
        key = self.key or "token"
        return bearer(_members(text, self.path).get(key), f"the value of {key!r} in {self.path}")


class StoredLogin(_SecretFile):
    """The credentials that ``rendergateway login`` stored for a server."""

    def __init__(self, path: str | os.PathLike[str], server: str) -> None:
        super().__init__(path)
        self.server = server

    def _parse(self, text: str) -> str:
        values = _members(text, self.path)
        if values.get("server") != self.server:
            raise CredentialsError(f"{self.path} does not contain credentials for {self.server}; log in again")
        if "token" in values:
            return bearer(values["token"], f"the value of 'token' in {self.path}")
        return BasicLogin(str(values.get("username")), str(values.get("password"))).authorization()


def configured_credentials(base_url: str, configuration: Configuration) -> Credentials | None:
    """
    Return the configured credentials for a server: from the environment, a profile or a stored login; None if missing.

    Credentials of a configuration layer apply only to the service that the same layer names.
    """
    server = origin(base_url)
    for layer in configuration.layers:
        address = layer.values.get("service", EMBEDDED)
        if address.startswith(EMBEDDED) or origin(Address.parse(address).base_url) != server:
            continue
        if "token" in layer.values:
            return VariableToken(layer.sources["token"])
        if "token_file" in layer.values:
            return TokenFile(layer.values["token_file"], layer.values.get("token_key"))
    return stored_login(base_url)


def origin(base_url: str) -> str:
    """
    Return scheme, host and port of a URL: the scope of credentials.

    Examples
    --------
    >>> origin("https://render.example.org/render-ws/v1")
    'https://render.example.org:443'
    """
    split = urlsplit(base_url)
    host = f"[{split.hostname}]" if ":" in (split.hostname or "") else split.hostname
    return f"{split.scheme}://{host}:{split.port or (443 if split.scheme == 'https' else 80)}"


def login_path(base_url: str) -> Path:
    """Return the path of the stored login of a server, whether or not it exists."""
    name = quote(origin(base_url).replace("://", "_").replace(":", "_"), safe="")
    return configuration_path().parent / "credentials" / f"{name}.json"


def stored_login(base_url: str) -> Credentials | None:
    """Return the stored login of a server; None if missing."""
    path = login_path(base_url)
    return StoredLogin(path, origin(base_url)) if path.is_file() else None


def save_credentials(base_url: str, *, token: str | None = None, login: tuple[str, str] | None = None) -> Path:
    """
    Store credentials for a server in a file that only the current user can read, replacing earlier ones.

    Parameters
    ----------
    base_url : str
        URL of the service.
    token : str, optional
        A bearer token.
    login : (str, str), optional
        User name and password.

    Returns
    -------
    Path
        Path of the file.

    Raises
    ------
    CredentialsError
        If the token is malformed, or not exactly one of *token* and *login* is passed.
    """
    if (token is None) == (login is None):
        raise CredentialsError("pass either a token, or user name and password")
    values = {"server": origin(base_url)}
    if login is not None:
        values |= {"username": login[0], "password": login[1]}
    else:
        bearer(token, "the given token")
        values["token"] = str(token)
    path = login_path(base_url)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # mkstemp creates the file with mode 600, and the replacement is atomic.
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


def forget_credentials(base_url: str) -> bool:
    """Delete the stored login of a server; return False if it was missing."""
    try:
        login_path(base_url).unlink()
    except FileNotFoundError:
        return False
    return True


def _check_private(path: Path, status: os.stat_result) -> None:
    # Like ssh: a file of another owner, a mounted secret for example, is not checked.
    if status.st_uid == os.getuid() and status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise CredentialsError(f"{path} must not be readable by others: chmod 600 {path}")


def _members(text: str, path: Path) -> dict[str, Any]:
    try:
        values = json.loads(text)
    except ValueError:
        # Without the cause, whose message would contain the secret text.
        raise CredentialsError(f"{path} is not JSON") from None
    if not isinstance(values, dict):
        raise CredentialsError(f"{path} is not a JSON object with keys")
    return values
