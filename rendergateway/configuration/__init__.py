"""
Which service is meant, and how it is asked: arguments, environment, profiles, in one order.

There is no default store: data that lands where nobody looks is lost.
"""

from rendergateway.configuration.layers import Configuration, Found, Layer, configured
from rendergateway.configuration.profiles import configuration_path
from rendergateway.configuration.settings import SETTINGS, Setting

__all__ = ["SETTINGS", "Configuration", "Found", "Layer", "Setting", "configuration_path", "configured"]
