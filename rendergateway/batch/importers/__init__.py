"""Import of images into a stack: from files with positions, names with a pattern, or projects of other programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rendergateway.lazy import names_from

if TYPE_CHECKING:
    from rendergateway.batch.importers.image_folder import import_images
    from rendergateway.batch.importers.images import Imported
    from rendergateway.batch.importers.projects import import_project

__all__ = ["Imported", "import_images", "import_project"]

if not TYPE_CHECKING:
    _MODULES = {"Imported": "images", "import_images": "image_folder", "import_project": "projects"}
    __getattr__, __dir__ = names_from(__name__, _MODULES)
