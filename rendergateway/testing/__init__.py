"""
For tests of code that uses rendergateway.

pytest finds the fixtures ``gateway``, ``counting``, ``make_stack`` and ``misbehaving`` by itself where rendergateway is
installed; they stand in ``pytest_rendergateway``. What is here works without pytest too: made-up stacks, and in
``misbehaving`` servers that fail as told.
"""

from rendergateway.testing.stacks import make_stack

__all__ = ["make_stack"]
