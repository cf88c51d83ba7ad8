"""Pictures of tiles, sections and stacks."""
