"""Requests to a service: addresses, credentials, one pool, timeouts, retries, answers."""

from rendergateway.transport.address import Address
from rendergateway.transport.answer import Answer
from rendergateway.transport.connection import Connection
from rendergateway.transport.credentials import BasicLogin, BearerToken, Credentials, as_credentials
from rendergateway.transport.hooks import Exchange, Hooks
from rendergateway.transport.retries import Retries

__all__ = [
    "Address",
    "Answer",
    "BasicLogin",
    "BearerToken",
    "Connection",
    "Credentials",
    "Exchange",
    "Hooks",
    "Retries",
    "as_credentials",
]
