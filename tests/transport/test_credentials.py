"""Credentials: signing, renewal, lookup, and secrecy."""

from __future__ import annotations

import json
import os
import pickle
import threading
from collections.abc import Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rendergateway import AuthenticationError, BearerToken, ConfigurationError, CredentialsError, Gateway, TokenFile
from rendergateway.testing.misbehaving import Line, MisbehavingServer, answers, says, sends
from rendergateway.transport import BasicLogin, as_credentials
from rendergateway.transport.credentials.stored import forget_credentials, login_path, save_credentials, stored_login
from rendergateway.transport.credentials.token import VariableToken
from tests.transport.conftest import Connect, Serve

SERVER = "https://render.example.org/render-ws/v1"
OTHER = "https://other.example.org/render-ws/v1"


def wanting(*good: str) -> tuple[list[MisbehavingServer], Callable[[Line], None]]:
    """Return a behaviour that lists owners for these authorizations only, and a list to append its server to."""
    at: list[MisbehavingServer] = []
    yes, no = answers(["lab"]), says(401, "no")

    def behave(line: Line) -> None:
        is_good = at[0].requests[-1].headers.get("Authorization") in good
        (yes if is_good else no)(line)

    return at, behave


def sent(server: MisbehavingServer) -> list[str | None]:
    """Return the received authorizations, in order."""
    return [request.headers.get("Authorization") for request in server.requests]


def signature(credentials: object) -> str:
    """Return the authorization that credentials sign with."""
    headers: dict[str, str] = {}
    credentials.sign(headers)  # type: ignore[attr-defined]
    return headers["Authorization"]


def secret_file(path: Path, text: str, mode: int = 0o600) -> Path:
    """Write a file that only its owner can read."""
    path.write_text(text)
    path.chmod(mode)
    return path


def test_token__renewed_once(serve: Serve, connect: Connect) -> None:
    """After a refusal the token is fetched again and the request repeated, once."""
    tokens = iter(["old", "new", "newest"])
    at, behave = wanting("Bearer new")
    at.append(serve(behave))

    assert connect(at[0].url, auth=BearerToken(lambda: next(tokens))).call("owner.list") == ["lab"]
    assert sent(at[0]) == ["Bearer old", "Bearer new"]


def test_token__refused_twice(serve: Serve, connect: Connect) -> None:
    """A second refusal is an error with a remedy; the request is not repeated again."""
    server = serve(says(401, "no"))

    with pytest.raises(AuthenticationError, match=r"no\. Pass credentials with Gateway\(auth=…\)"):
        connect(server.url, auth=BearerToken(lambda: "t")).call("owner.list")

    assert sent(server) == ["Bearer t", "Bearer t"]


def test_token__a_post_is_repeated_after_a_refusal(serve: Serve, connect: Connect) -> None:
    """A POST refused for its token had no effect, so it is repeated with a new one."""
    tokens = iter(["old", "new"])
    at, behave = wanting("Bearer new")
    at.append(serve(behave))

    connect(at[0].url, auth=BearerToken(lambda: next(tokens))).call(
        "stack.create", owner="o", project="p", stack="s", body={}
    )

    assert [request.method for request in at[0].requests] == ["POST", "POST"]


def test_token__by_age(monkeypatch: pytest.MonkeyPatch) -> None:
    """A token is fetched again after its maximal age; a token passed as text cannot be renewed."""
    now = [0.0]
    monkeypatch.setattr("rendergateway.transport.credentials.token.time.monotonic", lambda: now[0])
    tokens = iter(["first", "second"])
    token = BearerToken(lambda: next(tokens), max_age_s=300)
    found = {}

    for now[0] in (0.0, 299.0, 301.0):
        found[now[0]] = signature(token)

    assert found == {0.0: "Bearer first", 299.0: "Bearer first", 301.0: "Bearer second"}
    assert not BearerToken("text").refresh()
    assert not BasicLogin("me", "pw").refresh()


def test_token__one_thread_fetches(serve: Serve, connect: Connect) -> None:
    """If several threads need a token, or are refused at once, one thread fetches it and the others wait."""
    fetched: list[str] = []
    arrived, refused = threading.Semaphore(0), threading.Barrier(8)
    no, yes = says(401, "no"), answers(["lab"])

    def fetch() -> str:
        fetched.append("")
        # Until all threads are about to wait for this one.
        for _ in range(8):
            arrived.acquire()
        return f"t{len(fetched)}"

    class Announced(BearerToken):
        def sign(self, headers: MutableMapping[str, str]) -> None:
            if not fetched or fetched == [""]:
                arrived.release()
            super().sign(headers)

        def refresh(self, refused: str | None = None) -> bool:
            arrived.release()
            return super().refresh(refused)

    def behave(line: Line) -> None:
        # All eight requests with the first token arrive before any of them is refused.
        if len(server.requests) <= 8:
            refused.wait()
            no(line)
        else:
            yes(line)

    server = serve(behave)
    gateway = connect(server.url, auth=Announced(fetch))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: gateway.call("owner.list"), range(8))) == [["lab"]] * 8

    assert len(fetched) == 2
    assert sorted(map(str, sent(server))) == ["Bearer t1"] * 8 + ["Bearer t2"] * 8


def test_token__cannot_be_fetched() -> None:
    """A failed fetch is an error with a cause but without its text; the next request fetches again."""
    results: list[object] = [OSError("http://me:s3cret@auth"), "good"]

    def fetch() -> str:
        result = results.pop(0)
        if isinstance(result, Exception):
            raise result
        return str(result)

    token = BearerToken(fetch)
    with pytest.raises(CredentialsError, match=r"could not be fetched \(OSError\)") as caught:
        signature(token)

    assert "s3cret" not in str(caught.value)
    assert isinstance(caught.value.__cause__, OSError)
    assert signature(token) == "Bearer good"


@pytest.mark.parametrize("token", ["", "two words", "new\nline", "ключ", 7, None])
def test_token__wrong_form(token: object) -> None:
    """A malformed token is rejected before it is sent; the error does not contain it."""
    with pytest.raises(CredentialsError) as caught:
        signature(BearerToken(lambda: token))  # type: ignore[arg-type, return-value]

    # The whole message, so that it cannot contain the token.
    expected = "malformed bearer token: the given or fetched token must be one word of ASCII text"
    assert str(caught.value) == expected


def test_login__basic_and_function(serve: Serve, connect: Connect) -> None:
    """User name and password are sent as basic authorization; a function can add any header."""
    server = serve(answers([]))

    connect(server.url, auth=("me", "pw")).call("owner.list")
    connect(server.url, auth=lambda headers: headers.update({"X-Key": "k"})).call("owner.list")
    connect(server.url.replace("//", "//me:p%77@")).call("owner.list")

    assert sent(server) == ["Basic bWU6cHc=", None, "Basic bWU6cHc="]
    assert server.requests[1].headers["X-Key"] == "k"


def test_credentials__never_shown_or_pickled() -> None:
    """Secrets never appear in a repr and cannot be pickled."""
    for credentials in (BearerToken("secret"), BasicLogin("me", "secret"), as_credentials(lambda headers: None)):
        assert "secret" not in repr(credentials)
        with pytest.raises(CredentialsError, match="cannot be pickled"):
            pickle.dumps(credentials)


def test_credentials__wrong_form() -> None:
    """Objects that cannot sign, and secrets in headers, are rejected; the errors do not contain them."""
    with pytest.raises(CredentialsError) as caught:
        as_credentials(12345)
    assert "12345" not in str(caught.value)
    with pytest.raises(ConfigurationError, match=r"header Authorization is a secret.*auth=") as shown:
        Gateway("h", headers={"Authorization": "Bearer s3cret"})
    assert "s3cret" not in str(shown.value)


def test_token_file__text_or_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file contains the token as its only word, or in JSON under a key; ~ is expanded on reading."""
    monkeypatch.setenv("HOME", str(tmp_path))
    secret_file(tmp_path / "plain", "abc\n")
    secret_file(tmp_path / "admin.json", '{"token": "def", "render": "ghi"}')

    assert signature(TokenFile("~/plain")) == "Bearer abc"
    assert signature(TokenFile("~/admin.json")) == "Bearer def"
    assert signature(TokenFile(tmp_path / "admin.json", key="render")) == "Bearer ghi"
    assert str(TokenFile("~/plain").path) == "~/plain"


def test_token_file__read_again(serve: Serve, connect: Connect, tmp_path: Path) -> None:
    """A changed file is read again; a refused token that is still in the file is not sent again."""
    path = secret_file(tmp_path / "token", "one")
    server = serve(answers([]))
    gateway = connect(server.url, auth=TokenFile(path))

    gateway.call("owner.list")
    secret_file(path, "second")
    gateway.call("owner.list")

    assert sent(server) == ["Bearer one", "Bearer second"]
    refusing = serve(says(401, "no"))
    with pytest.raises(AuthenticationError):
        connect(refusing.url, auth=TokenFile(path)).call("owner.list")
    assert len(refusing.requests) == 1


@pytest.mark.parametrize(
    ("text", "key", "message"),
    [
        (None, None, "cannot read credentials from .*token: No such file"),
        ("s3cret word", None, "the text of .*token must be one word"),
        ("s3cret", "render", "is not JSON"),
        ('["s3cret"]', "render", "is not a JSON object with keys"),
        ('{"token": "s3cret"}', "render", "the value of 'render' in .*token must be one word"),
        ('{"token": {"s3cret": 1}}', None, "the value of 'token' in .*token must be one word"),
    ],
)
def test_token_file__invalid(tmp_path: Path, text: str | None, key: str | None, message: str) -> None:
    """Errors about a file contain its path, never its content."""
    if text is not None:
        secret_file(tmp_path / "token", text)

    with pytest.raises(CredentialsError, match=message) as caught:
        signature(TokenFile(tmp_path / "token", key))

    assert "s3cret" not in str(caught.value)


def test_token_file__others_may_read_it(tmp_path: Path) -> None:
    """A file of the current user that others may read is rejected; the error contains the remedy."""
    path = secret_file(tmp_path / "token", "abc", mode=0o640)

    with pytest.raises(CredentialsError, match=f"chmod 600 {path}"):
        signature(TokenFile(path))


def test_stored__one_file_per_server(tmp_path: Path) -> None:
    """Logins are stored per server in private files, replaced atomically, and deleted on request."""
    path = save_credentials(SERVER, token="abc")
    save_credentials(OTHER, login=("me", "pw"))

    assert path == login_path(SERVER) == tmp_path / "credentials" / "https_render.example.org_443.json"
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert signature(stored_login(SERVER)) == "Bearer abc"
    assert signature(stored_login(OTHER)) == "Basic bWU6cHc="
    save_credentials(SERVER, token="def")
    assert signature(stored_login(SERVER)) == "Bearer def"
    assert [forget_credentials(SERVER), forget_credentials(SERVER)] == [True, False]
    assert stored_login(SERVER) is None
    assert sorted(file.name for file in path.parent.iterdir()) == ["https_other.example.org_443.json"]


def test_stored__wrong(tmp_path: Path) -> None:
    """A file renamed to another server's is rejected; malformed credentials are not stored."""
    save_credentials(OTHER, token="abc").rename(login_path(SERVER))

    with pytest.raises(CredentialsError, match="does not contain credentials for https://render"):
        signature(stored_login(SERVER))
    for wrong in ({}, {"token": "a b"}, {"token": "a", "login": ("me", "pw")}):
        with pytest.raises(CredentialsError):
            save_credentials(OTHER, **wrong)
    assert not login_path(OTHER).exists()


def test_configured__for_the_named_server_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials of environment, profile and login apply to the server that they name, and to no other."""
    Path(os.environ["RENDERGATEWAY_CONFIG"]).write_text(
        '[profiles.lab]\nservice = "https://render.example.org"\ntoken_file = "~/lab"\ntoken_key = "k"'
    )
    monkeypatch.setenv("RENDERGATEWAY_TOKEN", "abc")
    monkeypatch.setenv("RENDERGATEWAY_SERVICE", "https://env.example.org")
    save_credentials(OTHER, token="abc")
    found = {}

    for host in ("render", "env", "other", "unknown"):
        found[host] = repr(Gateway(f"https://{host}.example.org").auth)
    found["profile"] = repr(Gateway.from_profile("lab").auth)
    found["not theirs"] = repr(Gateway("https://render.example.org:444", profile="lab").auth)
    found["another scheme"] = repr(Gateway("http://env.example.org").auth)
    found["none asked for"] = repr(Gateway("https://env.example.org", auth=False).auth)

    assert found == {
        "render": "None",
        "env": "VariableToken('RENDERGATEWAY_TOKEN')",
        "other": f"StoredLogin({str(login_path(OTHER))!r})",
        "unknown": "None",
        "profile": "TokenFile('~/lab', key='k')",
        "not theirs": "None",
        "another scheme": "None",
        "none asked for": "None",
    }


def test_variable__read_per_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """A token in an environment variable is read for each request."""
    monkeypatch.setenv("T", "one")
    token = VariableToken("T")

    assert signature(token) == "Bearer one"
    assert not token.refresh("Bearer one")
    monkeypatch.setenv("T", "two")
    assert token.refresh("Bearer one")
    assert signature(token) == "Bearer two"


def test_change_auth__from_the_next_request(serve: Serve, connect: Connect, tmp_path: Path) -> None:
    """New credentials apply to existing wrappers, and to contexts without credentials of their own."""
    server = serve(sends(json.dumps({"stackId": {"owner": "o", "project": "p", "stack": "s"}}).encode()))
    gateway = connect(server.url, auth=("me", "pw"))
    stack, follows = gateway.stack("s"), gateway.using(project="q")
    own = gateway.using(auth=("admin", "pw"))
    stack.load()

    gateway.change_auth(TokenFile(secret_file(tmp_path / "token", "abc")))
    for one in (gateway, follows, own):
        one.stack("s").reload()
    gateway.change_auth(False)
    stack.reload()

    basic, admin = "Basic bWU6cHc=", "Basic YWRtaW46cHc="
    assert sent(server) == [basic, "Bearer abc", "Bearer abc", admin, None]
    assert (repr(own.auth), gateway.auth) == ("BasicLogin('admin', …)", None)


def test_login__cannot_be_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a login cannot be stored the error reaches the caller, and no file with the secret is left."""
    monkeypatch.setenv("RENDERGATEWAY_CONFIG", str(tmp_path / "config.toml"))
    login_path(SERVER).mkdir(parents=True)

    with pytest.raises(OSError, match="directory"):
        save_credentials(SERVER, token="s3cret")

    assert [path for path in login_path(SERVER).parent.rglob("*") if path.is_file()] == []
