"""Commands of tile pairs, matches and solves."""
