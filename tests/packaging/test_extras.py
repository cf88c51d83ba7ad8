"""Each extra installs what its features need; a missing one is named in the error. Run with scripts/test --extras."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.packaging.conftest import Distributions, Served, environment, run
from tests.packaging.features import FEATURES
from tests.packaging.places import INCLUDES, MODULES, extra_of, name_of, place_of, with_its_parts

pytestmark = pytest.mark.installs

ENVIRONMENTS = ["", "alignment", "cli", "service", "tables", "remote", "volumes", "dask", "all"]


@pytest.fixture(scope="module")
def python(distributions: Distributions, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The interpreter of an environment with the wheel and one extra, made when it is first asked for."""

    @cache
    def made(extra: str) -> Path:
        folder = tmp_path_factory.mktemp(extra or "core") / "venv"
        return environment(folder, f"{distributions.wheel}{f'[{extra}]' if extra else ''}")

    return made


def test_environments__one_for_each_extra() -> None:
    """No extra is left out."""
    assert {*ENVIRONMENTS} >= INCLUDES["all"] | {"all"}
    assert {extra for one in FEATURES.values() for extra in one.extras} == INCLUDES["all"]


@pytest.mark.parametrize("extra", ENVIRONMENTS)
def test_extra__its_modules_are_imported(python: Callable[[str], Path], tmp_path: Path, extra: str) -> None:
    """Each module of the core and of the extra is imported, out of the wheel, with what the extra installs."""
    names = [name_of(path) for path in MODULES if extra_of(place_of(path)) in with_its_parts(extra)]
    # As a program it would run.
    names = [name for name in names if not name.endswith("__main__")]
    code = "import importlib, sys; print([importlib.import_module(name).__file__ for name in sys.argv[1:]])"

    files = run(python(extra), "-I", "-W", "error", "-c", code, *names, cwd=tmp_path)

    assert files.count("site-packages") == len(names) > 100


@pytest.mark.parametrize("extra", ENVIRONMENTS)
def test_extra__its_features_work(python: Callable[[str], Path], served: Served, tmp_path: Path, extra: str) -> None:
    """Each feature works with its extra, and is one sentence with the pip command without it."""
    script = shutil.copy2(Path(__file__).with_name("features.py"), tmp_path)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RENDER")}
    own = {**kept, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}

    found = json.loads(run(python(extra), "-I", script, served.url, served.files, tmp_path, env=own))

    assert found.keys() == FEATURES.keys()
    wrong = {}
    for name, feature in FEATURES.items():
        missing = [needed for needed in feature.extras if needed not in with_its_parts(extra)]
        wanted = rf"\w+Error: (.*: )?.+ needs \w+: pip install 'rendergateway\[{missing[0]}\]'" if missing else "None"
        if not re.fullmatch(wanted, str(found[name])):
            wrong[name] = found[name]
    assert not wrong
