"""A small made-up volume: images, tiles, transforms and point matches whose true places are known."""
