"""
The console script of rendergateway.

Outside of the package, whose import takes long enough to be interrupted: Ctrl-C is one line at any time.
"""

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line."""
    try:
        from rendergateway.cli import main

        main()
    except KeyboardInterrupt:
        print("rendergateway: interrupted", file=sys.stderr)
        sys.exit(130)
