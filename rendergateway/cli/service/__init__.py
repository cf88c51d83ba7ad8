"""Commands of services, credentials and settings."""
