"""
Every error that rendergateway raises on purpose.

::

    RenderGatewayError
    ├── ConfigurationError            which service, profile, option or database is meant is not clear, or not usable
    │   ├── CredentialsError          credentials are missing, unreadable or of the wrong form
    │   ├── StoreError                the file is no database of the embedded service, or one it cannot use
    │   └── MissingExtraError         a library of an extra is not installed
    ├── RegistrationError             this class cannot stand for that kind of object
    ├── ClosedGatewayError            the gateway was closed; ``connect()`` opens it again
    ├── NoGatewayError                a wrapper around a loose record was asked for what only a service knows
    ├── UnplannedRequestError         a request was about to be made where none may be
    ├── CommandError                  a command could not do what it was asked
    ├── RequestError                  one request failed; knows method, url, attempts, elapsed_s
    │   ├── ConnectionFailedError     nobody answered
    │   ├── TimedOutError             the answer did not come in time
    │   ├── AddressError              something answered, but not the service (a wrong path, a proxy)
    │   ├── AnswerError               the answer cannot be decoded
    │   └── ServiceError              the service refused; knows status and server_message
    │       ├── NotFoundError         there is nothing of that name or place
    │       ├── BadRequestError       the service does not accept these values
    │       ├── StackStateError       not in the stack's present state
    │       ├── AuthenticationError   credentials were refused
    │       └── ServerError           the service failed
    ├── RecordError                   JSON that is not what it should be
    ├── MultipleFoundError            one was asked for, several fit
    ├── StaleStackError               the stack changed underneath
    ├── TransformError                wrong parameters of a coordinate transform
    │   ├── ConversionError           no such form without loss
    │   ├── NotInvertibleError        no inverse, here or anywhere
    │   ├── CoordinateError           points that could not be carried between a tile and the world
    │   └── FitError                  these points do not determine the transform
    └── ImageError                    a picture cannot be read, drawn or written
        ├── FilterError               a filter cannot be applied
        └── MissingChannelError       channels that are to be averaged do not go together

None of them is an ``AttributeError``, ``LookupError``, ``TypeError`` or ``ValueError``: template engines swallow
those. Misuse of Python itself (an index out of range, a wrong argument) raises the built-in.
"""

from __future__ import annotations

import re

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
    "StackStateError",
    "StaleStackError",
    "StoreError",
    "TimedOutError",
    "TransformError",
    "UnplannedRequestError",
    "add_note",
    "refusal",
]


class RenderGatewayError(Exception):
    """Root of all errors of rendergateway."""


class ConfigurationError(RenderGatewayError):
    """Which service, profile, option or database is meant is not clear, or it cannot be used."""


class CredentialsError(ConfigurationError):
    """Credentials are missing, unreadable or of the wrong form."""


class StoreError(ConfigurationError):
    """The file is no database of the embedded service, or one that this version cannot use."""


class MissingExtraError(ConfigurationError, ImportError):
    """A library of an extra is not installed; the message has the command that installs it."""


class RegistrationError(RenderGatewayError):
    """A class cannot stand for that kind of object."""


class ClosedGatewayError(RenderGatewayError):
    """The gateway was closed; ``connect()`` opens it again."""


class NoGatewayError(RenderGatewayError):
    """A wrapper around a loose record was asked for what only a service knows."""


class UnplannedRequestError(RenderGatewayError):
    """A request was about to be made inside `without_requests`."""


class CommandError(RenderGatewayError):
    """A command could not do what it was asked; the message is what the user reads."""


class RequestError(RenderGatewayError):
    """
    One request failed.

    Attributes
    ----------
    method, url : str
        What was asked for; the URL carries no credentials.
    attempts : int
        How often it was sent.
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
        return f"{message} [{self.method} {self.url}{times}, {self.elapsed_s:.2f} s]"


class ConnectionFailedError(RequestError):
    """Nobody answered at that address."""


class TimedOutError(RequestError):
    """The answer did not come in time."""


class AddressError(RequestError):
    """
    Something answered, but not the service: a wrong path, a proxy, a redirection.

    Attributes
    ----------
    status : int
        The HTTP status.
    """

    def __init__(self, message: str, *, status: int = 0, **request: object) -> None:
        super().__init__(message, **request)  # type: ignore[arg-type]
        self.status = status


class AnswerError(RequestError):
    """The answer cannot be decoded: cut short, or not what the endpoint answers."""


class ServiceError(RequestError):
    """
    The service refused.

    Attributes
    ----------
    status : int
        The HTTP status; 0 where the refusal follows from what was read before and nothing was sent.
    server_message : str
        The service's own sentence.
    """

    def __init__(self, message: str, *, status: int = 0, server_message: str = "", **request: object) -> None:
        super().__init__(message, **request)  # type: ignore[arg-type]
        self.status = status
        self.server_message = server_message


class NotFoundError(ServiceError):
    """There is nothing of that name or place."""


class BadRequestError(ServiceError):
    """The service does not accept these values."""


class StackStateError(ServiceError):
    """The stack's present state does not allow this."""


class AuthenticationError(ServiceError):
    """Credentials are missing or were refused."""


class ServerError(ServiceError):
    """The service failed."""


class RecordError(RenderGatewayError):
    """JSON that is not what it should be; the message names the place, what stands there and what was expected."""


class MultipleFoundError(RenderGatewayError):
    """One was asked for, several fit."""


class StaleStackError(RenderGatewayError):
    """The stack changed underneath."""


class TransformError(RenderGatewayError):
    """Wrong parameters of a coordinate transform, or points of the wrong shape."""


class ConversionError(TransformError):
    """There is no such form of this transform without loss."""


class NotInvertibleError(TransformError):
    """The transform has no inverse, here or anywhere."""


class CoordinateError(TransformError):
    """Points that could not be carried between a tile and the world; the message has the reasons."""


class FitError(TransformError):
    """These points do not determine the transform."""


class ImageError(RenderGatewayError):
    """A picture cannot be read, drawn or written."""


class FilterError(ImageError):
    """There is no such filter, or it cannot be applied to this image."""


class MissingChannelError(ImageError):
    """No tile has that channel; or several are to be averaged, and a tile has some of them only, or of other sizes."""


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

# Status, what its sentence must match, the class; the first line that fits counts. A problem of the stack's state
# comes as 400 or as 500, and an empty layer as 400, so that the sentence decides before the status does.
STATUS_TABLE: tuple[tuple[range, re.Pattern[str], type[ServiceError]], ...] = (
    (range(400, 600), _NOTHING_THERE, NotFoundError),
    (range(400, 600), _WRONG_STATE, StackStateError),
    # No credentials would help.
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
    AuthenticationError: "Give credentials with Gateway(auth=…).",
}


def add_note(error: BaseException, note: str) -> None:
    """Add a sentence to an error, as its ``add_note`` does, which Python 3.10 does not have."""
    vars(error)["__notes__"] = [*getattr(error, "__notes__", ()), note]


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
    Return the error that stands for a refused request.

    Parameters
    ----------
    status : int
        The HTTP status, 300 or above.
    sentence : str
        What the service said about it; empty where the body was not the service's own sentence.
    location : str
        Where a redirection points.
    method, url, attempts, elapsed_s
        As in `RequestError`.

    Returns
    -------
    RequestError
        Of the class that `STATUS_TABLE` gives, or an `AddressError` where no line fits.
    """
    request = {"method": method, "url": url, "attempts": attempts, "elapsed_s": elapsed_s}
    for statuses, pattern, error_class in STATUS_TABLE:
        if status in statuses and pattern.search(sentence):
            said = sentence or f"the service answered {status} without a word"
            message = _with_remedy(said, _REMEDY.get(error_class))
            return error_class(message, status=status, server_message=sentence, **request)
    if status < 400 and location:
        what = f"{status}, look at {location}: redirections are not followed; give Gateway the address that answers."
    else:
        what = f"{status} without a sentence of the service: check the address; render-ws answers below /render-ws/v1."
    return AddressError(what, status=status, **request)


def _with_remedy(said: str, remedy: str | None) -> str:
    if remedy is None:
        return said
    return f"{said}{'' if said.endswith(('.', '!', '?')) else '.'} {remedy}"
