"""The classes of waitress that the server extends: untyped, and therefore ``Any`` to type checkers."""

from __future__ import annotations

from typing import Any

from rendergateway.extras import needed_for

with needed_for("serving over HTTP"):
    import waitress.adjustments
    import waitress.channel
    import waitress.parser
    import waitress.server
    import waitress.task
    import waitress.wasyncore

__all__ = [
    "Adjustments",
    "ClientDisconnected",
    "HTTPChannel",
    "HTTPRequestParser",
    "ParsingError",
    "TcpWSGIServer",
    "ThreadedTaskDispatcher",
    "WSGITask",
    "dispatcher",
]

Adjustments: Any = waitress.adjustments.Adjustments
ClientDisconnected = waitress.channel.ClientDisconnected
HTTPChannel: Any = waitress.channel.HTTPChannel
HTTPRequestParser: Any = waitress.parser.HTTPRequestParser
ParsingError = waitress.parser.ParsingError
TcpWSGIServer: Any = waitress.server.TcpWSGIServer
ThreadedTaskDispatcher: Any = waitress.task.ThreadedTaskDispatcher
WSGITask: Any = waitress.task.WSGITask
dispatcher: Any = waitress.wasyncore.dispatcher
