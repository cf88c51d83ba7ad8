"""
Reads tiles from answers: listings, large selections in several requests, pinned versions, shared transforms.

Functions and small classes over a client and a key. Imports ``wrappers.core`` and below.
"""
