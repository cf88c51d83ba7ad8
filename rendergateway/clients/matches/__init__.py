"""Clients of match collections."""
