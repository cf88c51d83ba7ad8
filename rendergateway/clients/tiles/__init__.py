"""Clients of tiles: imports, changes of transforms, validation, coordinates, other layers."""
