"""
Tile pairs, features, matches and their filters, clusters, solving: arrays in, arrays out; no wrapper and no request.

Imports ``transforms`` and ``rendering``; the service's match trials and ``wrappers.matching`` import it. OpenCV is
imported when features are described or compared.
"""
