"""
Credentials that sign requests: user name and password, tokens, and stored secrets.

They never appear in a repr, message or pickle, and are sent to no other host. Imports ``configuration`` and common
ground only.
"""
