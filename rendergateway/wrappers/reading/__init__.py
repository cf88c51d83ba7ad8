"""From answers of the service to tiles."""
