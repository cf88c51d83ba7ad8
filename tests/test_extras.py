"""A missing library of an extra is an error with the command that installs it."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rendergateway import ConfigurationError, CoordinateTable, Gateway, MissingExtraError
from rendergateway.extras import needed_for, require
from rendergateway.rendering.base import opencv
from rendergateway.testing import make_stack
from rendergateway.transforms import fit_affine, fit_ransac

CORNERS = [[0, 0], [9, 0], [0, 9], [9, 9]]


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Takes a library away until the test ends."""

    def take(name: str) -> None:
        for loaded in [*sys.modules]:
            if loaded.startswith((f"{name}.", "rendergateway.service.app", "rendergateway.service.embedded")):
                monkeypatch.delitem(sys.modules, loaded)
        monkeypatch.setitem(sys.modules, name, None)
        monkeypatch.delattr(opencv, "cv2", raising=False)

    return take


def test_error__is_one_of_configuration_and_of_imports() -> None:
    """The error is caught as either, knows the library, and travels to another process."""
    with pytest.raises(MissingExtraError) as caught, needed_for("reading HDF5"):
        raise ModuleNotFoundError("No module named 'h5py.h5f'", name="h5py.h5f")

    again = pickle.loads(pickle.dumps(caught.value))
    assert isinstance(again, ConfigurationError)
    assert isinstance(again, ImportError)
    assert (again.name, str(again)) == ("h5py", "reading HDF5 needs h5py: pip install 'rendergateway[volumes]'")


def test_needed__other_libraries_are_not_ours() -> None:
    """A missing library outside all extras is an ordinary ModuleNotFoundError."""
    with pytest.raises(ModuleNotFoundError, match="No module named 'no_such_library'"):
        require("this", "no_such_library")


def test_pictures__without_opencv(without: Callable[[str], None], gateway: Gateway, tmp_path: Path) -> None:
    """Each drawing call names the extra; no image is reported broken."""
    stack = make_stack(gateway, sections=2, rows=1, columns=1, images=tmp_path)
    without("cv2")

    for draw in (
        lambda: stack.section(1).image(scale=0.1, compute="local"),
        lambda: stack.check_images(),
        lambda: stack.cross_section(axis="xz", at=300, scale=0.1, compute="local"),
        lambda: fit_ransac(fit_affine, CORNERS, CORNERS),
    ):
        with pytest.raises(MissingExtraError, match=r"^[\w ]+ needs cv2: pip install 'rendergateway\[service\]'"):
            draw()


def test_frame__without_pandas(without: Callable[[str], None]) -> None:
    """A frame names the extra."""
    table = CoordinateTable.from_points([[1, 2]], frame="world")
    without("pandas")

    with pytest.raises(MissingExtraError, match=r"^a frame needs pandas: pip install 'rendergateway\[tables\]'$"):
        table.to_pandas()


def test_embedded_service__without_werkzeug(without: Callable[[str], None]) -> None:
    """An embedded service names the extra."""
    without("werkzeug")

    with (
        pytest.raises(ConfigurationError, match=r"^the embedded service needs werkzeug: .*\[service\]'$"),
        Gateway("embedded:"),
    ):
        pass
