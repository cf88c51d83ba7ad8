"""Clients of whole stacks: state, copies, sections."""
