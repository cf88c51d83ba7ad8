"""Credentials: given, read from a file, or stored by a login."""
