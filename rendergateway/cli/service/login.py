"""``rendergateway login``: credentials for a server, verified and stored for all processes of this user."""

from __future__ import annotations

import contextlib
import getpass
import sys
from pathlib import Path
from urllib.parse import urlsplit

import click

from rendergateway.cli.services import service_options
from rendergateway.cli.terminal import json_option, result, say
from rendergateway.endpoints.address import EMBEDDED, LOOPBACK_HOSTS
from rendergateway.errors import CommandError
from rendergateway.gateway import Gateway
from rendergateway.transport import BearerToken
from rendergateway.transport.credentials.stored import forget_credentials, save_credentials

__all__ = ["login"]


@click.command()
@click.option("--token-file", type=click.Path(path_type=Path), metavar="FILE", help="Read the token from this file.")
@click.option("--token-stdin", is_flag=True, help="Read the token, or the password, from standard input.")
@click.option("--user", metavar="NAME", help="Log in with a user name and password instead of a token.")
@click.option("--forget", is_flag=True, help="Delete the stored credentials of the server.")
@json_option
@service_options
def login(
    token_file: Path | None,
    token_stdin: bool,
    user: str | None,
    forget: bool,
    service: str | None,
    profile: str | None,
    as_json: bool,
) -> None:
    """
    Store credentials for a server, once a request succeeded.

    They are stored in a file that only you can read, and are sent to that server only. Without --token-file or
    --token-stdin, they are asked for on the terminal.
    """
    if (token_file is not None) + token_stdin + forget > 1:
        raise click.UsageError("--token-file, --token-stdin and --forget exclude each other")
    if user is not None and forget:
        raise click.UsageError("--user and --forget exclude each other")
    with contextlib.closing(Gateway(service, profile=profile, auth=False)) as gateway:
        if gateway.server.startswith(EMBEDDED):
            raise CommandError(
                "an embedded service has no users: access to its file is access to its data; pass --service "
                "http://host:port for another service"
            )
        if forget:
            existed = forget_credentials(gateway.server)
            sentence = f"{'Deleted the' if existed else 'There were no'} credentials for {gateway.server}"
            result({"server": gateway.server, "deleted": existed}, sentence, as_json)
            return
        _warn_of_listeners(gateway.server)
        what = "Password" if user else "Token"
        secret = _secret(token_file, token_stdin, f"{what} for {gateway.server}: ")
        if not secret:
            raise CommandError(f"the {what.lower()} is empty; nothing was stored")
        pair = None if user is None else (user, secret)
        gateway.change_auth(pair or BearerToken(secret))
        gateway.call("owner.list")
        path = save_credentials(gateway.server, token=None if user else secret, login=pair)
    values = {"server": gateway.server, "file": str(path)}
    result(values, f"Credentials for {gateway.server} are stored in {path}", as_json)


def _secret(file: Path | None, from_stdin: bool, question: str) -> str:
    if file is not None:
        return file.expanduser().read_text(encoding="utf-8").strip()
    if from_stdin:
        return sys.stdin.read().strip()
    if not sys.stdin.isatty():
        raise CommandError("no terminal to ask for credentials on: pass --token-file FILE or --token-stdin")
    return getpass.getpass(question)


def _warn_of_listeners(server: str) -> None:
    split = urlsplit(server)
    if split.scheme == "http" and split.hostname not in LOOPBACK_HOSTS:
        say(f"The connection to {server} is not encrypted: others on the network can read these credentials.")
