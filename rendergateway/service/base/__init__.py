"""What the whole service shares: refusals, options, names."""
