"""Pixels as files."""
