"""Points between tiles and the world."""
