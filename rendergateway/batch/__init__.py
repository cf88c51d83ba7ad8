"""
Batch work over many tiles, without a JVM.

Imports the gateway, the wrappers and everything below them; ``demo``, ``testing`` and ``cli`` import it.
"""
