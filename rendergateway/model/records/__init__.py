"""Objects of the service as JSON text with typed fields."""
