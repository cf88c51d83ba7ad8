"""Files of tile specs, transforms and coordinates."""
