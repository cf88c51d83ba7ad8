"""From a recipe to pixels."""
