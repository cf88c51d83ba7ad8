"""Choosing, saving and measuring point matches."""
