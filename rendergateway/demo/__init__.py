"""
A small synthetic volume: images of tissue at inexact positions, and the steps that align them.

`volume` places the tiles, `texture` draws the tissue, `folder` stores the images, `pipeline` imports and aligns them.
They import the public API, `batch`, `plots` and the image encoder of `rendergateway.rendering`; only ``cli`` and
`rendergateway.testing` import them.
"""
