"""
The console script of rendergateway, and the start of the clients of ``run_ws_client.sh``.

Outside of the package, whose import takes long enough to be interrupted: Ctrl-C is one line at any time.
"""

import sys

__all__ = ["client", "main"]


def main() -> None:
    """Run the command line."""
    try:
        from rendergateway.cli import main

        main()
    except KeyboardInterrupt:
        print("rendergateway: interrupted", file=sys.stderr)
        sys.exit(130)


def client() -> None:
    """Run a client with the arguments of ``run_ws_client.sh``."""
    try:
        from rendergateway.clients.base.command import main

        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        print("ERROR: interrupted", file=sys.stderr)
        sys.exit(130)
