"""Rows of the migration pages, executed."""
