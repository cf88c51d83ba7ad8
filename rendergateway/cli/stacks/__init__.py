"""Commands of whole stacks."""
