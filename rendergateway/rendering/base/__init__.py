"""Recipes, threads and caches."""
