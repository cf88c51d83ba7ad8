"""Commands that save, move, transform or delete tiles."""
