"""
Pictures of tiles, sections and stacks: options, requests, local rendering, export.

Imports ``wrappers.reading`` and below, not the other features; ``rendering`` only when something is drawn locally.
"""
