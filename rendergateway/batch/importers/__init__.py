"""Import of images into a stack: from files with positions, names with a pattern, or projects of other programs."""

from __future__ import annotations

from rendergateway.batch.importers.images import Imported
from rendergateway.batch.importers.import_images import import_images
from rendergateway.batch.importers.projects import import_project

__all__ = ["Imported", "import_images", "import_project"]
