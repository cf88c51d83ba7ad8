"""
Requests to a service: credentials, connection pool, time limits, retries, answers.

Imports ``configuration``, ``endpoints``, ``model.records`` and common ground. ``connection`` and ``answer`` load the
package requests, half of the cost of a first import, and are therefore imported for the first request only.
"""

from typing import TYPE_CHECKING

from rendergateway.endpoints.address import Address
from rendergateway.lazy import names_from
from rendergateway.transport.blocks import without_requests
from rendergateway.transport.credentials.basic import BasicLogin, Credentials, as_credentials
from rendergateway.transport.credentials.token import BearerToken
from rendergateway.transport.exchange import Exchange, Hooks
from rendergateway.transport.settings import Retries, Settings

if TYPE_CHECKING:
    from rendergateway.transport.answer import Answer
    from rendergateway.transport.credentials.stored import TokenFile

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

if not TYPE_CHECKING:
    # Hidden from type checkers, so that they report missing names.
    __getattr__, __dir__ = names_from(__name__, {"Answer": "answer", "TokenFile": "credentials.stored"})
