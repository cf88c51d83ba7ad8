"""
Requests to a service: addresses, credentials, one pool, timeouts, retries, answers.

``connection`` loads requests, which is half of what a first import costs, so it waits for the first request.
"""

from rendergateway.transport.address import Address
from rendergateway.transport.answer import Answer
from rendergateway.transport.credentials import BasicLogin, BearerToken, Credentials, as_credentials
from rendergateway.transport.hooks import Exchange, Hooks
from rendergateway.transport.retries import Retries

__all__ = [
    "Address",
    "Answer",
    "BasicLogin",
    "BearerToken",
    "Credentials",
    "Exchange",
    "Hooks",
    "Retries",
    "as_credentials",
]
