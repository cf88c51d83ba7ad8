"""Clients that write images: sections, boxes, tiles, mipmap levels, recipes."""
