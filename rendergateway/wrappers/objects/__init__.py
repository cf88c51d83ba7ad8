"""The nouns: owner, project, stack, section, tile, match collection, pair."""
