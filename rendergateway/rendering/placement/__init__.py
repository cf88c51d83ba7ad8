"""Where the pixels of a tile fall on the canvas."""
