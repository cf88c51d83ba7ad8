"""Writing into stacks."""
