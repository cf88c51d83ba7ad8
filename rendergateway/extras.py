"""Libraries of the optional extras, and the error for a missing one."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterator

from rendergateway.errors import MissingExtraError

__all__ = ["EXTRAS", "needed_for", "require"]

# Library, by the name it is imported by -> the smallest extra that installs it.
EXTRAS = {
    "click": "cli",
    "rich": "cli",
    "PIL": "service",
    "flask": "catalogue",
    "apsw": "service",
    "cv2": "service",
    "isal": "service",
    "re2": "service",
    "tifffile": "service",
    "waitress": "service",
    "werkzeug": "service",
    "scipy": "alignment",
    "pandas": "tables",
    "neuroglancer": "viewer",
    "fsspec": "remote",
    "distributed": "dask",
    "matplotlib": "plots",
    "h5py": "volumes",
    "mrcfile": "volumes",
    "numcodecs": "volumes",
}


@contextlib.contextmanager
def needed_for(purpose: str) -> Iterator[None]:
    """
    Turn the failed import of an optional library into an error with the command that installs it.

    Parameters
    ----------
    purpose : str
        What needs the library, for the message.

    Raises
    ------
    MissingExtraError
        If the block imports a library of `EXTRAS` that is not installed.

    Examples
    --------
    >>> with needed_for("reading HDF5"):
    ...     raise ModuleNotFoundError(name="h5py")
    Traceback (most recent call last):
        ...
    rendergateway.errors.MissingExtraError: reading HDF5 needs h5py: pip install 'rendergateway[volumes]'
    """
    try:
        yield
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        if library not in EXTRAS:
            raise
        command = f"pip install 'rendergateway[{EXTRAS[library]}]'"
        raise MissingExtraError(f"{purpose} needs {library}: {command}", name=library) from error


def require(purpose: str, *libraries: str) -> None:
    """
    Import optional libraries before long work begins.

    Raises
    ------
    MissingExtraError
        If one of them is not installed.
    """
    with needed_for(purpose):
        for library in libraries:
            importlib.import_module(library)
