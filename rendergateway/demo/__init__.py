"""
A small synthetic volume: images, tiles, transforms and point matches with known positions.

`volume` places the tiles, `texture` draws the tissue, `folder` stores both. They may import the public API, the common
ground and the image encoder of `rendergateway.rendering`; only ``cli`` and `rendergateway.testing` import them.
"""
