"""What an object and a collection are."""
