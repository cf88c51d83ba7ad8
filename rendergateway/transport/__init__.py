"""
Requests to a service: addresses, credentials, one pool, timeouts, retries, answers.

``connection`` loads requests, which is half of what a first import costs, so it waits for the first request; what
only requests need waits with it.
"""

from typing import TYPE_CHECKING

from rendergateway.endpoints.address import Address
from rendergateway.later import names_from
from rendergateway.transport.credentials.credentials import BasicLogin, BearerToken, Credentials, as_credentials
from rendergateway.transport.hooks import Hooks
from rendergateway.transport.quiet import without_requests
from rendergateway.transport.retries import Retries
from rendergateway.transport.settings import Settings

if TYPE_CHECKING:
    from rendergateway.transport.answer import Answer
    from rendergateway.transport.credentials.stored import TokenFile
    from rendergateway.transport.exchange import Exchange

__all__ = [
    "Address",
    "Answer",
    "BasicLogin",
    "BearerToken",
    "Credentials",
    "Exchange",
    "Hooks",
    "Retries",
    "Settings",
    "TokenFile",
    "as_credentials",
    "without_requests",
]

__getattr__ = names_from(__name__, {"Answer": "answer", "Exchange": "exchange", "TokenFile": "credentials.stored"})
