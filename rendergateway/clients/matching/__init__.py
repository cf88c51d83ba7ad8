"""Clients of tile pairs, features and matches."""
