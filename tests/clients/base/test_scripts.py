"""The folder of ``run_ws_client.sh``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from pytest_httpserver import HTTPServer

from rendergateway.cli.commands import commands
from rendergateway.clients.base.scripts import default_folder, write_scripts
from rendergateway.clients.base.table import CLIENTS
from tests.conftest import ROOT

pytestmark = pytest.mark.skipif(os.name != "posix", reason="scripts of a POSIX shell")


def client_scripts(*words: str) -> str:
    result = CliRunner().invoke(commands, ["client-scripts", *words], prog_name="rendergateway")
    assert result.exit_code == 0, result.stderr
    return result.stdout


def run_in(folder: Path, script: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [script, *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )


def test_script__of_this_interpreter(tmp_path: Path) -> None:
    """The script runs this interpreter, also if its folder has a blank in its name; it exits as the client does."""
    folder = write_scripts(tmp_path / "my scripts")

    script = folder / "run_ws_client.sh"
    assert sys.executable in script.read_text()
    done = run_in(tmp_path, script, "1G", "org.janelia.render.client.StackClient", "--help")
    assert (done.returncode, done.stdout) == (1, "  Running: org.janelia.render.client.StackClient\n")
    assert done.stderr.startswith("Usage: StackClient [options]")


def test_script__beside_modules(tmp_path: Path) -> None:
    """A module in the current folder is not imported, whatever its name."""
    folder = write_scripts(tmp_path / "scripts")
    for name in ("json", "types", "rendergateway", "attrs", "rendergateway_command"):
        (tmp_path / f"{name}.py").write_text(f"raise SystemExit('{name} was imported from the current folder')")
    service = ["--baseDataUrl", "embedded:render.db", "--owner", "lab", "--project", "p"]

    done = run_in(
        tmp_path, folder / "run_ws_client.sh", "1G", "StackClient", *service, "--stack", "s", "--action", "CREATE"
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_client__of_one_request_imports_little(httpserver: HTTPServer) -> None:
    """A client that changes the state of a stack imports neither numpy nor OpenCV, which would double its start."""
    httpserver.expect_request(
        "/render-ws/v1/owner/lab/project/p/stack/s/state/COMPLETE", method="PUT"
    ).respond_with_data("", status=201)
    words = ["--baseDataUrl", httpserver.url_for("/render-ws/v1"), "--owner", "lab", "--project", "p", "--stack", "s"]
    code = "import sys, rendergateway_command as started\ntry: started.client()\nfinally: print(*sys.modules)"

    done = subprocess.run(
        [sys.executable, "-c", code, "1G", "StackClient", *words, "--action", "SET_STATE", "--stackState", "COMPLETE"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "requests" in done.stdout.split()
    assert not {"cv2", "numpy"} & set(done.stdout.split())


def test_folder__default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder is below the cache of the user, one for each interpreter; writing it again is safe."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    first = client_scripts()

    assert first == f"{default_folder()}\n" == client_scripts()
    assert default_folder().is_relative_to(tmp_path / "cache" / "rendergateway" / "client-scripts")
    assert [path.name for path in default_folder().iterdir()] == ["run_ws_client.sh"]
    assert os.access(default_folder() / "run_ws_client.sh", os.X_OK)
    monkeypatch.setattr(sys, "prefix", "/another/environment")
    assert client_scripts() != first


def test_folder__given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``--to`` names the folder, which is printed as an absolute path; JSON also lists the clients."""
    monkeypatch.chdir(tmp_path)

    assert client_scripts("--to", "here/scripts") == f"{tmp_path / 'here' / 'scripts'}\n"
    assert json.loads(client_scripts("--to", "here/scripts", "--json")) == {
        "folder": str(tmp_path / "here" / "scripts"), "clients": sorted(CLIENTS)
    }  # fmt: skip


def test_folder__not_writable(tmp_path: Path) -> None:
    """A folder that cannot be made is named."""
    (tmp_path / "file").touch()

    result = CliRunner().invoke(commands, ["client-scripts", "--to", str(tmp_path / "file" / "scripts")])

    assert result.exit_code == 1
    assert "file/scripts: Not a directory" in result.stderr
