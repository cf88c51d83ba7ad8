"""Which service is meant, and how it is asked: what counts, and what is wrong with a file."""

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


def test_order__the_nearer_to_the_call_the_more(environment: dict[str, str]) -> None:
    """Argument, named profile, our variables, profile of the environment, renderapi's variables, those of its guide."""
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


def test_order__each_setting_for_itself(environment: dict[str, str]) -> None:
    """What one place leaves open, the next may say."""
    environment |= {"RENDERGATEWAY_SERVICE": "embedded:x.db", "RENDER_PROJECT": "p", "RENDERGATEWAY_PROFILE": "broken"}
    Path(environment["RENDERGATEWAY_CONFIG"]).write_text('[profiles.broken]\nservice = "h"\nowner = "nobody"')

    found = configured(environment=environment)

    assert (found.service, found.get("owner"), found.get("project")) == ("embedded:x.db", "nobody", "p")


@pytest.mark.parametrize("prefix", ["RENDER_", "DEFAULT_RENDER_"])
def test_renderapi__its_variables(prefix: str) -> None:
    """Host and port are put together, and the port may be left out."""
    host = {prefix + "HOST": "old", prefix + "OWNER": "o", prefix + "PROJECT": "p"}

    assert configured(environment=host).service == "old"
    found = configured(environment={**host, prefix + "PORT": "9"})
    assert (found.service, found.get("owner"), found.get("project")) == ("old:9", "o", "p")


def test_service__nothing_says_it() -> None:
    """There is no silent default; the error names the way to a service in a file."""
    with pytest.raises(ConfigurationError, match=r"--service embedded:\./render\.db"):
        Gateway()
    with pytest.raises(ConfigurationError, match="RENDERGATEWAY_SERVICE"):
        Gateway.from_env()


@pytest.mark.parametrize("name", [name for name, setting in SETTINGS.items() if setting.kind is not str])
def test_variable__of_the_wrong_kind(name: str) -> None:
    """A variable that is no number is told by its name."""
    with pytest.raises(ConfigurationError, match=rf"RENDERGATEWAY_{name.upper()} is .*not 'soon'"):
        configured(environment={f"RENDERGATEWAY_{name.upper()}": "soon"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[profiles.a]\nservice = h", r"config\.toml cannot be read: .*line 2"),
        (
            '[profiles.a]\nservice = "h"\nownr = "x"',
            r"config\.toml, line 3: unknown key 'ownr'; known are service, owner",
        ),
        ('[profiles."a"]\nservice = "h"\ntimeout_s = "x"', r"config\.toml, line 3: timeout_s is a number, not 'x'"),
        ('[profiles.a]\nservice = "h"\n\n"token" = "s3cret"', r"config\.toml, line 4: 'token' is a secret.*login"),
        ('[profile.a]\nservice = "h"', r"config\.toml: unknown key 'profile'; the file holds \[profiles\.NAME\]"),
        ("[profiles]\na = 1", r"config\.toml, line 2: a profile is a table: \[profiles\.a\]"),
        ('[profiles.b]\nowner = "x"', r"no profile 'a' with a service \(profiles there: b\).*service ="),
        ('[profiles.a]\nowner = "x"', r"no profile 'a' with a service"),
        ('profiles.a = { service = "h", pool_block = 1 }', r"config\.toml: pool_block is true or false, not 1"),
        (None, "there is no configuration file"),
    ],
)
def test_profile__what_is_wrong(environment: dict[str, str], text: str | None, message: str) -> None:
    """What is wrong with the file is told with file, line and key, and never with a secret."""
    path = Path(environment["RENDERGATEWAY_CONFIG"])
    path.write_text(text) if text is not None else path.unlink()

    with pytest.raises(ConfigurationError, match=message) as caught:
        configured(profile="a", environment=environment)

    assert "s3cret" not in str(caught.value)


def test_docs__every_setting() -> None:
    """The page has a row for each setting: its name, its variable, its default and its meaning."""
    page = (Path(__file__).parents[1] / "docs" / "configuration.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if "`RENDERGATEWAY_" in line and line.startswith("|")]
    defaults = attrs.asdict(Settings(), recurse=False) | {"retries": Settings().retries.total}

    for row, (name, setting) in zip(rows, SETTINGS.items(), strict=True):
        first, variable, default, meaning = (cell.strip().strip("`") for cell in row.strip("|").split("|"))
        assert first.startswith(f"{name}") or setting.is_secret
        assert (variable, meaning.partition(",")[0].strip("`")) == (setting.variable, setting.meaning.partition(",")[0])
        assert not setting.is_of_requests or float({"false": 0}.get(default, default)) == defaults[name]


def test_configuration__where_it_lies() -> None:
    """The file lies where the desktop's standard says, unless a variable says otherwise."""
    assert configuration_path({"XDG_CONFIG_HOME": "/etc/x"}) == Path("/etc/x/rendergateway/config.toml")
    assert configuration_path({}) == Path("~/.config/rendergateway/config.toml").expanduser()
    assert configuration_path({"RENDERGATEWAY_CONFIG": "~/x.toml"}) == Path("~/x.toml").expanduser()


def test_gateway__from_a_profile(process: pytest.MonkeyPatch) -> None:
    """A gateway takes address, owner, project and limits from a profile; arguments count more."""
    gateway = Gateway.from_profile("microscopy", project="other")

    assert repr(gateway) == "<Gateway http://render.example.org:8080/render-ws/v1 flyTEM/other>"
    assert gateway.stack("s").id == "s"
    assert (gateway.settings.timeout_s, gateway.settings.retries) == (3.0, Retries(total=7))


def test_gateway__from_the_environment(process: pytest.MonkeyPatch) -> None:
    """What arguments leave open, the environment says: the service as well as the limits."""
    for name, value in {"RENDER_HOST": "h", "RENDER_PORT": "1", "RENDERGATEWAY_POOL_BLOCK": "true"}.items():
        process.setenv(name, value)
    process.setenv("RENDERGATEWAY_BUDGET_S", "5")

    gateway = Gateway.from_env(owner="o", budget_s=9)

    assert repr(gateway) == "<Gateway http://h:1/render-ws/v1 o>"
    assert (gateway.settings.pool_block, gateway.settings.budget_s) == (True, 9)


@pytest.mark.parametrize("name", ["timeout_s", "data_timeout_s", "budget_s", "answer_limit", "pool_size"])
def test_limits__above_zero(name: str) -> None:
    """A limit of nothing is none."""
    with pytest.raises(ConfigurationError, match=f"{name} is a number above 0, not 0"):
        Gateway("h", **{name: 0})  # type: ignore[arg-type]
