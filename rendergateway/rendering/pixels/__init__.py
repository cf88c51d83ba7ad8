"""Pixel arithmetic: sampling, intensity, filters, composition."""
