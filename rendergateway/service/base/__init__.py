"""
Common ground of the service: ids, options, refusals and Java's hash order.

Imports `wire` and the common modules of the package, nothing else of the service.
"""
