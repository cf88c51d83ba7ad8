"""
Writes to stacks: ``StackEdit``, batched uploads with one retry layer, copies, versions, deletions.

Imports ``wrappers.reading`` and below, not the other features.
"""
