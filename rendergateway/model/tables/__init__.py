"""Many records as numpy columns over their texts."""
