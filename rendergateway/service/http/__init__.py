"""Requests and replies of the service."""
