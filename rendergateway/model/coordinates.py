"""Records of points carried between tiles and the world."""

from __future__ import annotations

from rendergateway.model.record import Record, optional

__all__ = ["CoordinateRecord"]


class CoordinateRecord(Record):
    """
    One point of one tile, as the service carries it between local and world pixels.

    Attributes
    ----------
    tile_id : str or None
        The tile; missing where a world point lies on none.
    local, world : list of float or None
        x, y and sometimes z.
    visible : bool
        Whether the tile is the topmost one at this point; the service leaves the member out where it is not.
    error : str or None
        Why the point could not be carried; the other members are then those that were sent.
    """

    tile_id = optional("tileId", str)
    local = optional("local", list)
    world = optional("world", list)
    visible = optional("visible", bool, False)
    error = optional("error", str)
