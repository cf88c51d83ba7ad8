"""
Helpers for tests of code that uses rendergateway: made-up stacks, and servers that fail.

They work without pytest; its fixtures ``gateway``, ``counting``, ``make_stack`` and ``misbehaving`` are in the plugin
``pytest_rendergateway``. May import everything but ``cli``; needs no test dependency.
"""

from rendergateway.testing.stacks import make_stack

__all__ = ["make_stack"]
