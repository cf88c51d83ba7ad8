"""
The catalogue: read-only web pages over the stacks, sections, tiles and matches of a service.

Flask is imported here alone; pages are made of wrapper objects, so a registered subclass is shown as it is.
"""

from __future__ import annotations

from rendergateway.catalogue.blueprint import blueprint
from rendergateway.catalogue.looks import Column
from rendergateway.catalogue.server import application, serve_pages

__all__ = ["Column", "application", "blueprint", "serve_pages"]
