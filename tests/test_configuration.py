"""Which service is meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from rendergateway import ConfigurationError, Gateway
from rendergateway.configuration import choose_service, configuration_path

PROFILES = """
[profiles.microscopy]
service = "render.example.org:8080"
owner = "flyTEM"
project = "FAFB00"

[profiles.broken]
owner = "nobody"
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment with a configuration file of two profiles."""
    path = tmp_path / "config.toml"
    path.write_text(PROFILES)
    return {"RENDERGATEWAY_CONFIG": str(path)}


def test_service__the_order_of_what_says_it(environment: dict[str, str]) -> None:
    """The argument counts, then the variable, then the profile, then renderapi's variables."""
    environment |= {"RENDER_HOST": "old", "RENDER_PORT": "9", "RENDER_OWNER": "o", "RENDER_PROJECT": "p"}
    renderapi = choose_service(environment=environment)
    environment["RENDERGATEWAY_PROFILE"] = "microscopy"
    profile = choose_service(environment=environment)
    environment["RENDERGATEWAY_SERVICE"] = "embedded:x.db"
    variable = choose_service(environment=environment)
    argument = choose_service("here:1", environment=environment)

    assert (renderapi.address, renderapi.owner, renderapi.project) == ("old:9", "o", "p")
    assert (profile.address, profile.owner, profile.project) == ("render.example.org:8080", "flyTEM", "FAFB00")
    assert (variable.address, variable.owner, variable.source) == ("embedded:x.db", "o", "RENDERGATEWAY_SERVICE")
    assert argument.address == "here:1"
    assert choose_service(environment={"RENDER_HOST": "old"}).address == "old"


def test_service__nothing_says_it() -> None:
    """There is no silent default; the error names the way to a service in a file."""
    with pytest.raises(ConfigurationError, match=r"--service embedded:\./render\.db"):
        choose_service(environment={})
    with pytest.raises(ConfigurationError):
        Gateway()


def test_profile__what_is_wrong(environment: dict[str, str], tmp_path: Path) -> None:
    """A profile that is not there or names no service is told, with those that are."""
    with pytest.raises(ConfigurationError, match=r"'nothing'.*broken, microscopy"):
        choose_service(profile="nothing", environment=environment)
    with pytest.raises(ConfigurationError, match=r"'broken'.*service ="):
        choose_service(profile="broken", environment=environment)
    with pytest.raises(ConfigurationError, match="no configuration file"):
        choose_service(profile="x", environment={"RENDERGATEWAY_CONFIG": str(tmp_path / "missing.toml")})
    (tmp_path / "config.toml").write_text("[profiles")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        choose_service(profile="x", environment=environment)


def test_configuration__where_it_lies() -> None:
    """The file lies where the desktop's standard says, unless a variable says otherwise."""
    assert configuration_path({"XDG_CONFIG_HOME": "/etc/x"}) == Path("/etc/x/rendergateway/config.toml")
    assert configuration_path({}) == Path("~/.config/rendergateway/config.toml").expanduser()


def test_gateway__from_a_profile(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A gateway takes address, owner and project from a profile."""
    monkeypatch.setenv("RENDERGATEWAY_CONFIG", environment["RENDERGATEWAY_CONFIG"])

    gateway = Gateway(profile="microscopy")

    assert repr(gateway) == "<Gateway http://render.example.org:8080/render-ws/v1 flyTEM/FAFB00>"
    assert gateway.stack("s").id == "s"
