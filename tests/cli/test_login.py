"""Credentials stored by the command; display of the configuration."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rendergateway import Gateway
from rendergateway.testing.misbehaving import Line, MisbehavingServer, answers, says
from rendergateway.transport.credentials.stored import login_path, save_credentials
from tests.cli.conftest import Run


@pytest.fixture
def server() -> Iterator[MisbehavingServer]:
    """A server that knows the token ``good``, and the user ``me`` with the password ``pw``."""

    def behave(line: Line) -> None:
        is_known = line.request.headers.get("Authorization") in ("Bearer good", "Basic bWU6cHc=")
        (answers(["lab"]) if is_known else says(401, "who are you?"))(line)

    with MisbehavingServer(behave) as server:
        yield server


def kept_for(server: MisbehavingServer) -> Path:
    return login_path(Gateway(server.url).server)


@pytest.mark.parametrize(
    ("words", "typed", "authorization"),
    [
        (["--token-stdin"], b"good\n", "Bearer good"),
        (["--token-file", "token"], None, "Bearer good"),
        (["--user", "me", "--token-stdin"], b"pw\n", "Basic bWU6cHc="),
    ],
)
def test_login__tried_and_kept(
    run: Run, server: MisbehavingServer, words: list[str], typed: bytes | None, authorization: str
) -> None:
    """Credentials are stored after a successful request, used by the next gateway, and never printed."""
    Path("token").write_text("good\n")

    result = run("login", "--service", server.url, *words, typed=typed)

    path = kept_for(server)
    assert (result.exit_code, result.stdout) == (0, f"Credentials for {server.url}/render-ws/v1 are stored in {path}\n")
    assert path.stat().st_mode & 0o777 == 0o600
    gateway = Gateway(server.url)
    assert gateway.call("owner.list") == ["lab"]
    gateway.close()
    assert [request.headers["Authorization"] for request in server.requests] == [authorization] * 2


def test_login__refused(run: Run, server: MisbehavingServer) -> None:
    """Rejected credentials are not stored and replace none."""
    save_credentials(f"{server.url}/render-ws/v1", token="good")
    before = kept_for(server).read_bytes()

    result = run("login", "--service", server.url, "--token-stdin", typed=b"b4d")

    assert (result.exit_code, kept_for(server).read_bytes()) == (1, before)
    assert result.stderr.startswith("rendergateway: who are you?")
    assert "b4d" not in result.output


def test_login__forget(run: Run, server: MisbehavingServer) -> None:
    """Deletes credentials; no request."""
    save_credentials(f"{server.url}/render-ws/v1", token="good")

    first, second = (run("login", "--forget", "--service", server.url) for _ in range(2))

    assert (first.stdout[:6], second.stdout[:13]) == ("Delete", "There were no")
    assert not kept_for(server).exists()
    assert server.requests == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--service", "h"], "no terminal to ask for credentials on: pass --token-file FILE or --token-stdin"),
        (["--service", "embedded:x.db", "--token-stdin"], "an embedded service has no users"),
        (["--service", "h", "--token-file", "missing"], "missing: No such file"),
        (["--service", "h", "--token-file", "x", "--token-stdin"], "exclude each other"),
    ],
)
def test_login__what_is_wrong(run: Run, words: list[str], message: str) -> None:
    """No prompt without a terminal; invalid options are errors."""
    result = run("login", *words)

    assert result.exit_code != 0
    assert message in result.stderr


def test_login__not_encrypted(run: Run, server: MisbehavingServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A warning precedes sending a secret unencrypted to another machine."""
    monkeypatch.setenv("http_proxy", server.url)
    monkeypatch.delenv("no_proxy", raising=False)

    result = run("login", "--service", "http://render.test", "--token-stdin", typed=b"good")

    assert result.stderr.startswith("The connection to http://render.test/render-ws/v1 is not encrypted")
    assert "not encrypted" not in run("login", "--service", server.url, "--token-stdin", typed=b"good").stderr


def test_login__asked_for_on_a_terminal(server: MisbehavingServer, tmp_path: Path) -> None:
    """On a terminal the token is asked for, and not shown."""
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "rendergateway.cli", "login", "--service", server.url]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True) as process:
        os.close(theirs)
        shown = b""
        while b"Token for " not in shown or not shown.endswith(b": "):
            shown += os.read(ours, 1000)
        os.write(ours, b"good\n")
        while b"are stored in" not in shown:
            shown += os.read(ours, 1000)
    os.close(ours)

    assert process.returncode == 0
    assert b"good" not in shown
    assert kept_for(server).exists()


def test_config__path(run: Run) -> None:
    """The path of the file is printed alone."""
    assert run("config", "path").stdout == os.environ["RENDERGATEWAY_CONFIG"] + "\n"


def test_config__show(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each setting is shown with its value and source; secrets are masked."""
    monkeypatch.setenv("RENDERGATEWAY_SERVICE", "https://render.example.org")
    monkeypatch.setenv("RENDERGATEWAY_TOKEN", "s3cret")
    monkeypatch.setenv("RENDER_OWNER", "flyTEM")
    Path(os.environ["RENDERGATEWAY_CONFIG"]).write_text('[profiles.lab]\nservice = "h"\nretries = 7\n')

    shown = run("config", "show", "--profile", "lab").stdout

    rows = {line.split()[0]: line.split()[1:] for line in shown.splitlines() if line}
    assert rows["service"] == ["h", "profile", "lab"]
    assert rows["token"] == ["…", "RENDERGATEWAY_TOKEN"]
    assert rows["owner"] == ["flyTEM", "RENDER_OWNER"]
    assert rows["retries"] == ["7", "profile", "lab"]
    assert rows["budget_s"] == ["900.0", "default"]
    assert rows["credentials"] == ["-"]
    assert rows["project"] == ["-"]
    assert shown.endswith("config.toml: profiles lab\n")
    assert "s3cret" not in shown
    own = run("config", "show").stdout
    assert "VariableToken('RENDERGATEWAY_TOKEN')" in own


def test_config__show_without_anything(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a configuration file, an example profile is shown."""
    monkeypatch.delenv("RENDERGATEWAY_SERVICE")

    result = run("config", "show")

    assert result.exit_code == 0
    assert "does not exist; a profile in it is [profiles.NAME]" in result.stdout
    assert "user me, in the address" in run("config", "show", "--service", "http://me:pw@h").stdout
