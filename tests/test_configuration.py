"""Configuration: precedence of sources, and errors in the file."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from rendergateway import ConfigurationError, Gateway, Retries
from rendergateway.configuration import SETTINGS, configuration_path, configured
from rendergateway.transport import Settings

PROFILES = """
[profiles.microscopy]
service = "render.example.org:8080"
owner = "flyTEM"
project = "FAFB00"
timeout_s = 3
retries = 7

[profiles.broken]
owner = "nobody"
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment with a configuration file of two profiles."""
    path = tmp_path / "config.toml"
    path.write_text(PROFILES)
    return {"RENDERGATEWAY_CONFIG": str(path)}


@pytest.fixture
def process(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The same environment for this process."""
    monkeypatch.setenv("RENDERGATEWAY_CONFIG", environment["RENDERGATEWAY_CONFIG"])
    return monkeypatch


def test_precedence__of_the_sources(environment: dict[str, str]) -> None:
    """Precedence: argument, its profile, own variables, profile of a variable, variables of renderapi and its guide."""
    found = []

    def look(profile: str | None = None, **arguments: str) -> None:
        found.append(configured(arguments, profile=profile, environment=environment).find("owner"))

    environment["DEFAULT_RENDER_OWNER"] = "guide"
    look()
    environment["RENDER_OWNER"] = "renderapi"
    look()
    environment["RENDERGATEWAY_PROFILE"] = "microscopy"
    look()
    environment["RENDERGATEWAY_OWNER"] = "ours"
    look()
    look("microscopy")
    look("microscopy", owner="argument")

    assert [(one.value, one.source) for one in found if one] == [
        ("guide", "DEFAULT_RENDER_OWNER"),
        ("renderapi", "RENDER_OWNER"),
        ("flyTEM", "profile microscopy"),
        ("ours", "RENDERGATEWAY_OWNER"),
        ("flyTEM", "profile microscopy"),
        ("argument", "argument"),
    ]


def test_precedence__per_setting(environment: dict[str, str]) -> None:
    """Each setting is looked up separately."""
    environment |= {"RENDERGATEWAY_SERVICE": "embedded:x.db", "RENDER_PROJECT": "p", "RENDERGATEWAY_PROFILE": "broken"}
    Path(environment["RENDERGATEWAY_CONFIG"]).write_text('[profiles.broken]\nservice = "h"\nowner = "nobody"')

    found = configured(environment=environment)

    assert (found.service, found.get("owner"), found.get("project")) == ("embedded:x.db", "nobody", "p")


@pytest.mark.parametrize("prefix", ["RENDER_", "DEFAULT_RENDER_"])
def test_renderapi__its_variables(prefix: str) -> None:
    """Host and port are joined; the port is optional."""
    host = {prefix + "HOST": "old", prefix + "OWNER": "o", prefix + "PROJECT": "p"}

    assert configured(environment=host).service == "old"
    found = configured(environment={**host, prefix + "PORT": "9"})
    assert (found.service, found.get("owner"), found.get("project")) == ("old:9", "o", "p")


def test_service__not_configured() -> None:
    """There is no default service; the error contains the forms of an address and no command-line option."""
    for create in (Gateway, Gateway.from_env):
        with pytest.raises(ConfigurationError, match=r"embedded:\./render\.db .*RENDERGATEWAY_SERVICE") as caught:
            create()
        assert "--" not in str(caught.value)


@pytest.mark.parametrize("name", [name for name, setting in SETTINGS.items() if setting.kind is not str])
def test_variable__of_the_wrong_kind(name: str) -> None:
    """The error for a variable of the wrong type contains its name."""
    with pytest.raises(ConfigurationError, match=rf"RENDERGATEWAY_{name.upper()} must be .*: got 'soon'"):
        configured(environment={f"RENDERGATEWAY_{name.upper()}": "soon"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[profiles.a]\nservice = h", r"cannot read .*config\.toml: .*line 2"),
        (
            '[profiles.a]\nservice = "h"\nownr = "x"',
            r"config\.toml, line 3: unknown key: got 'ownr'; known keys are service, owner",
        ),
        ('[profiles."a"]\nservice = "h"\ntimeout_s = "x"', r"toml, line 3: timeout_s must be a number: got 'x'"),
        ('[profiles.a]\nservice = "h"\n\n"token" = "s3cret"', r"toml, line 4: secrets .*: got 'token'; .*login"),
        ('[profile.a]\nservice = "h"', r"config\.toml: unknown key: got 'profile'; .*\[profiles\.NAME\] only"),
        ("[profiles]\na = 1", r"config\.toml, line 2: a profile must be a table: got 1; write \[profiles\.a\]"),
        ('[profiles.b]\nowner = "x"', r"missing profile with a service .*: got 'a', known profiles are b; .*service ="),
        ('[profiles.a]\nowner = "x"', r"missing profile with a service .*: got 'a'"),
        ('profiles.a = { service = "h", pool_block = 1 }', r"config\.toml: pool_block must be true or false: got 1"),
        (None, "missing configuration file .*config.toml"),
    ],
)
def test_profile__invalid(environment: dict[str, str], text: str | None, message: str) -> None:
    """Errors contain file, line and key, and never a secret."""
    path = Path(environment["RENDERGATEWAY_CONFIG"])
    path.write_text(text) if text is not None else path.unlink()

    with pytest.raises(ConfigurationError, match=message) as caught:
        configured(profile="a", environment=environment)

    assert "s3cret" not in str(caught.value)


def test_docs__every_setting() -> None:
    """The page has a row per setting with name, variable, default and description."""
    page = (Path(__file__).parents[1] / "docs" / "configuration.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if "`RENDERGATEWAY_" in line and line.startswith("|")]
    values = attrs.asdict(Settings(), recurse=False)
    defaults = {name: "" if value is None else str(value).lower() for name, value in values.items()}
    defaults |= {"retries": str(Settings().retries.total), "ca": "REQUESTS_CA_BUNDLE`, else the package certifi"}

    for row, (name, setting) in zip(rows, SETTINGS.items(), strict=True):
        first, variable, default, meaning = (cell.strip().strip("`") for cell in row.strip("|").split("|"))
        assert first.partition("`")[0] == ("(no argument, no key)" if setting.is_secret else name)
        assert (variable, meaning.partition(",")[0].strip("`")) == (setting.variable, setting.meaning.partition(",")[0])
        if setting.is_of_requests:
            assert default in (defaults[name], defaults[name].removesuffix(".0"))


def test_configuration__path_of_the_file() -> None:
    """The path follows the XDG standard, unless a variable sets it."""
    assert configuration_path({"XDG_CONFIG_HOME": "/etc/x"}) == Path("/etc/x/rendergateway/config.toml")
    assert configuration_path({}) == Path("~/.config/rendergateway/config.toml").expanduser()
    assert configuration_path({"RENDERGATEWAY_CONFIG": "~/x.toml"}) == Path("~/x.toml").expanduser()


def test_gateway__from_a_profile(process: pytest.MonkeyPatch) -> None:
    """A profile sets address, owner, project and limits; arguments take precedence."""
    gateway = Gateway.from_profile("microscopy", project="other")

    assert repr(gateway) == "<Gateway http://render.example.org:8080/render-ws/v1 flyTEM/other>"
    assert gateway.stack("s").id == "s"
    assert (gateway.settings.timeout_s, gateway.settings.retries) == (3.0, Retries(total=7))


def test_gateway__from_the_environment(process: pytest.MonkeyPatch) -> None:
    """The environment sets service and limits that are not passed as arguments."""
    for name, value in {"RENDER_HOST": "h", "RENDER_PORT": "1", "RENDERGATEWAY_POOL_BLOCK": "true"}.items():
        process.setenv(name, value)
    process.setenv("RENDERGATEWAY_BUDGET_S", "5")

    gateway = Gateway.from_env(owner="o", budget_s=9)

    assert repr(gateway) == "<Gateway http://h:1/render-ws/v1 o>"
    assert (gateway.settings.pool_block, gateway.settings.budget_s) == (True, 9)


@pytest.mark.parametrize("name", ["timeout_s", "data_timeout_s", "budget_s", "answer_limit", "pool_size"])
def test_limits__above_zero(name: str) -> None:
    """A limit of zero is rejected."""
    with pytest.raises(ConfigurationError, match=f"{name} must be a number above 0: got 0"):
        Gateway("h", **{name: 0})  # type: ignore[arg-type]
