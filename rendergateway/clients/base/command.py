"""From the arguments of ``run_ws_client.sh`` to an exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rendergateway.clients.base.parser import help_text, parse
from rendergateway.clients.base.table import client_class
from rendergateway.errors import CommandError, RenderGatewayError

__all__ = ["main"]

_FAILED, _INTERRUPTED = 1, 130


def main(arguments: Sequence[str]) -> int:
    """
    Run a client.

    Parameters
    ----------
    arguments : sequence of str
        Memory, which is ignored; JVM options, which are ignored; the class name; the arguments of the client.
        Arguments are split at blanks once more, as the shell script of the Java clients does.

    Returns
    -------
    int
        Exit code: 0 done, 1 failed or wrong arguments, 130 interrupted. Messages are printed to standard error.
    """
    words = " ".join(arguments[1:]).split()
    while words and words[0].startswith("-"):
        del words[0]
    if not words:
        return _say("USAGE: run_ws_client.sh <memory> <class> [options …]", _FAILED)
    name, *rest = words
    print(f"  Running: {name}", flush=True)
    try:
        client = client_class(name)
    except CommandError as error:
        return _say(f"ERROR: {error}", _FAILED)
    if "--help" in rest:
        return _say(help_text(client), _FAILED)
    try:
        parsed = parse(client, rest)
    except CommandError as error:
        return _say(f"ERROR: failed to parse command line arguments\n\n{error}\n\n{help_text(client)}", _FAILED)
    try:
        parsed.run()
    except KeyboardInterrupt as error:
        return _end("interrupted", error, _INTERRUPTED)
    except OSError as error:
        return _end(_file_sentence(error), error, _FAILED)
    except RenderGatewayError as error:
        return _end(str(error), error, _FAILED)
    return 0


def _file_sentence(error: OSError) -> str:
    return f"{error.filename} ({error.strerror})" if error.filename else str(error)


def _end(sentence: str, error: BaseException, code: int) -> int:
    return _say("\n".join((f"ERROR: {sentence}", *getattr(error, "__notes__", ()))), code)


def _say(message: str, code: int) -> int:
    print(message, file=sys.stderr)
    return code
