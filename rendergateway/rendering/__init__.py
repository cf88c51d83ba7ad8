"""Pixels: from tile specs to pictures, and pictures to files."""
