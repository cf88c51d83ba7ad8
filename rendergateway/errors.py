"""
Errors that rendergateway raises.

::

    RenderGatewayError
    ├── ConfigurationError            service, profile, option or database is missing, ambiguous or unusable
    │   ├── CredentialsError          credentials are missing, unreadable or malformed
    │   ├── StoreError                the file is not a usable database of the embedded service
    │   └── MissingExtraError         a library of an optional extra is not installed
    ├── RegistrationError             the class cannot be registered for that kind of object
    ├── ClosedGatewayError            the gateway is closed; ``connect()`` reopens it
    ├── NoGatewayError                a detached wrapper has no gateway to request data from
    ├── UnplannedRequestError         request attempted inside ``without_requests()``
    ├── CommandError                  a command failed
    ├── RequestError                  one request failed; has method, url, attempts, elapsed_s
    │   ├── ConnectionFailedError     the server is unreachable
    │   ├── TimedOutError             no complete answer within the time limit
    │   ├── AddressError              the answer is not from the service: a wrong path, a proxy, a redirection
    │   ├── AnswerError               the answer cannot be decoded
    │   └── ServiceError              the service refused the request; has status and server_message
    │       ├── NotFoundError         the object does not exist
    │       ├── BadRequestError       the service rejected the values
    │       ├── StackStateError       the state of the stack does not allow the request
    │       ├── AuthenticationError   credentials are missing or were refused
    │       └── ServerError           the service failed
    ├── RecordError                   invalid JSON, or JSON of another object
    ├── MultipleFoundError            several objects match, one was requested
    ├── SolveError                    matches do not determine the transforms of a stack, or the solve diverged
    ├── StaleStackError               the stack changed since it was read
    ├── TransformError                invalid parameters of a coordinate transform
    │   ├── ConversionError           the transform cannot be converted exactly
    │   ├── NotInvertibleError        the transform has no inverse, globally or at a point
    │   ├── CoordinateError           points could not be mapped between tile and world
    │   └── FitError                  the points do not determine the transform
    └── ImageError                    an image cannot be read, drawn or written
        ├── FilterError               unknown filter, or it cannot be applied to this image
        └── MissingChannelError       channels are missing, or differ among tiles to be averaged

None of them derives from ``AttributeError``, ``LookupError``, ``TypeError`` or ``ValueError``, which template engines
swallow. Misuse of Python itself (an index out of range, a wrong argument) raises the built-in exception.

``StaleBoxWarning`` is a warning: a picture shows none of its tiles, because their stored boxes do not fit them.
"""

from __future__ import annotations

import re

from rendergateway.visible_text import shortened, visible

__all__ = [
    "AddressError",
    "AnswerError",
    "AuthenticationError",
    "BadRequestError",
    "ClosedGatewayError",
    "CommandError",
    "ConfigurationError",
    "ConnectionFailedError",
    "ConversionError",
    "CoordinateError",
    "CredentialsError",
    "FilterError",
    "FitError",
    "ImageError",
    "MissingChannelError",
    "MissingExtraError",
    "MultipleFoundError",
    "NoGatewayError",
    "NotFoundError",
    "NotInvertibleError",
    "RecordError",
    "RegistrationError",
    "RenderGatewayError",
    "RequestError",
    "ServerError",
    "ServiceError",
    "SolveError",
    "StackStateError",
    "StaleBoxWarning",
    "StaleStackError",
    "StoreError",
    "TimedOutError",
    "TransformError",
    "UnplannedRequestError",
    "add_note",
    "refusal",
]


# Characters of a message, and of a URL in it, that are shown; a service may send any number.
_LONGEST, _LONGEST_URL = 4000, 400


class RenderGatewayError(Exception):
    """Base class of all errors of rendergateway."""

    def __str__(self) -> str:
        # The one place where messages become text: names and sentences of a service may be long or control a terminal.
        return visible(shortened(super().__str__(), _LONGEST))


class ConfigurationError(RenderGatewayError):
    """The service, profile, option or database is missing, ambiguous or unusable."""


class CredentialsError(ConfigurationError):
    """Credentials are missing, unreadable or malformed."""


class StoreError(ConfigurationError):
    """The file is not a database of the embedded service that this version can use."""


class MissingExtraError(ConfigurationError, ImportError):
    """A library of an optional extra is not installed; the message has the command that installs it."""


class RegistrationError(RenderGatewayError):
    """The class cannot be registered for that kind of object."""


class ClosedGatewayError(RenderGatewayError):
    """The gateway is closed; ``connect()`` reopens it."""


class NoGatewayError(RenderGatewayError):
    """A detached wrapper has no gateway to request data from."""


class UnplannedRequestError(RenderGatewayError):
    """A request was attempted inside `without_requests`."""


class CommandError(RenderGatewayError):
    """A command failed; the message is printed for the user."""


class RequestError(RenderGatewayError):
    """
    One request failed.

    Attributes
    ----------
    method, url : str
        HTTP method and URL of the request; the URL never contains credentials.
    attempts : int
        Number of attempts.
    elapsed_s : float
        Seconds from the first attempt to this error.
    """

    def __init__(
        self, message: str, *, method: str = "", url: str = "", attempts: int = 1, elapsed_s: float = 0.0
    ) -> None:
        super().__init__(message)
        self.method = method
        self.url = url
        self.attempts = attempts
        self.elapsed_s = elapsed_s

    def __str__(self) -> str:
        message = super().__str__()
        if not self.url:
            return message
        times = "" if self.attempts == 1 else f", {self.attempts} attempts"
        return f"{message} [{self.method} {visible(shortened(self.url, _LONGEST_URL))}{times}, {self.elapsed_s:.2f} s]"


class ConnectionFailedError(RequestError):
    """The server is unreachable."""


class TimedOutError(RequestError):
    """No complete answer arrived within the time limit."""


class AddressError(RequestError):
    """
    The answer is not from the service: a wrong path, a proxy, a redirection.

    Attributes
    ----------
    status : int
        The HTTP status.
    """

    def __init__(self, message: str, *, status: int = 0, **request: object) -> None:
        super().__init__(message, **request)  # type: ignore[arg-type]
        self.status = status


class AnswerError(RequestError):
    """The answer cannot be decoded: truncated, or of another type than the endpoint's."""


class ServiceError(RequestError):
    """
    The service refused the request.

    Attributes
    ----------
    status : int
        The HTTP status; 0 if the refusal follows from data read before and no request was sent.
    server_message : str
        The service's own message.
    """

    def __init__(self, message: str, *, status: int = 0, server_message: str = "", **request: object) -> None:
        super().__init__(message, **request)  # type: ignore[arg-type]
        self.status = status
        self.server_message = server_message


class NotFoundError(ServiceError):
    """The object does not exist."""


class BadRequestError(ServiceError):
    """The service rejected the values of the request."""


class StackStateError(ServiceError):
    """The state of the stack does not allow the request."""


class AuthenticationError(ServiceError):
    """Credentials are missing or were refused."""


class ServerError(ServiceError):
    """The service failed."""


class RecordError(RenderGatewayError):
    """Invalid JSON, or JSON of another object; the message names the member, its value and the expected type."""


class MultipleFoundError(RenderGatewayError):
    """Several objects match, but one was requested."""


class SolveError(RenderGatewayError):
    """The matches do not determine the transforms of a stack, or the solve diverged; nothing was written."""


class StaleBoxWarning(UserWarning):
    """A picture shows none of its tiles, because their stored bounding boxes do not fit their transforms."""


class StaleStackError(RenderGatewayError):
    """The stack changed since it was read."""


class TransformError(RenderGatewayError):
    """Invalid parameters of a coordinate transform, or points of the wrong shape."""


class ConversionError(TransformError):
    """The transform cannot be converted exactly."""


class NotInvertibleError(TransformError):
    """The transform has no inverse, globally or at a point."""


class CoordinateError(TransformError):
    """Points could not be mapped between a tile and the world; the message contains the reasons."""


class FitError(TransformError):
    """The points do not determine the transform."""


class ImageError(RenderGatewayError):
    """An image cannot be read, drawn or written."""


class FilterError(ImageError):
    """The filter is unknown, or it cannot be applied to this image."""


class MissingChannelError(ImageError):
    """No tile has the channel; or, of channels to be averaged, a tile lacks some or has them in different sizes."""


_ANY_SENTENCE = re.compile(r"\S")
_MAYBE_SENTENCE = re.compile("")
_NOTHING_THERE = re.compile(
    r"does not contain any tiles with a z value of|^no tile specifications found in|"
    r"^(stack|match collection) with owner .* does not exist$"
)
_ONLY_READS = re.compile(r"this service only reads$")
_WRONG_STATE = re.compile(
    r"cannot be modified because it is|^stack state is|must first be transitioned|in the LOADING state|"
    r"^Tiles cannot be cloned to stack|^Stats for .* have (not )?been stored|^section data not aggregated"
)

# Status, pattern of the service's message, error class; the first matching row applies. The service reports a wrong
# stack state as 400 or 500, and an empty section as 400, so the message takes precedence over the status.
STATUS_TABLE: tuple[tuple[range, re.Pattern[str], type[ServiceError]], ...] = (
    (range(400, 600), _NOTHING_THERE, NotFoundError),
    (range(400, 600), _WRONG_STATE, StackStateError),
    # A read-only service: credentials would not help.
    (range(403, 404), _ONLY_READS, ServiceError),
    (range(401, 402), _MAYBE_SENTENCE, AuthenticationError),
    (range(403, 404), _MAYBE_SENTENCE, AuthenticationError),
    (range(407, 408), _MAYBE_SENTENCE, AuthenticationError),
    (range(404, 405), _ANY_SENTENCE, NotFoundError),
    (range(400, 404), _MAYBE_SENTENCE, BadRequestError),
    (range(406, 500), _MAYBE_SENTENCE, BadRequestError),
    (range(500, 600), _MAYBE_SENTENCE, ServerError),
)

_REMEDY: dict[type[RequestError], str] = {
    StackStateError: "Change the state first (stack.editing() does), or work on a clone.",
    AuthenticationError: "Pass credentials with Gateway(auth=…).",
}


def add_note(error: BaseException, note: str) -> None:
    """Backport of ``BaseException.add_note`` for Python 3.10."""
    vars(error)["__notes__"] = [*getattr(error, "__notes__", ()), visible(note)]


def refusal(
    status: int,
    sentence: str,
    *,
    location: str = "",
    method: str = "",
    url: str = "",
    attempts: int = 1,
    elapsed_s: float = 0.0,
) -> RequestError:
    """
    Return the error for a refused request.

    Parameters
    ----------
    status : int
        The HTTP status, 300 or above.
    sentence : str
        The service's message; empty if the body is not a message of the service itself.
    location : str
        Target of a redirection.
    method, url, attempts, elapsed_s
        Attributes of the `RequestError`.

    Returns
    -------
    RequestError
        An instance of the class from `STATUS_TABLE`, or an `AddressError` if no row matches.
    """
    request = {"method": method, "url": url, "attempts": attempts, "elapsed_s": elapsed_s}
    for statuses, pattern, error_class in STATUS_TABLE:
        if status in statuses and pattern.search(sentence):
            message = _with_remedy(sentence or f"the service answered {status} without a message", error_class)
            return error_class(message, status=status, server_message=sentence, **request)
    if status < 400 and location:
        what = f"redirections are not followed: got {status} to {location}; connect Gateway to that address"
    else:
        what = f"no message of the service: got {status}; check the address, render-ws answers below /render-ws/v1"
    return AddressError(what, status=status, **request)


def _with_remedy(message: str, error_class: type[RequestError]) -> str:
    remedy = _REMEDY.get(error_class)
    if error_class is StackStateError and "READ_ONLY" in message:
        # Which stack.editing() cannot leave.
        remedy = "Make it writable first (stack.set_state('COMPLETE') does), or work on a clone."
    if remedy is None:
        return message
    return f"{message}{'' if message.endswith(('.', '!', '?')) else '.'} {remedy}"
