"""
Configuration: arguments, environment variables and profiles, in one order of precedence.

There is no default service: data written to an unexpected place would be lost. Imports ``endpoints`` and
common ground.
"""

from rendergateway.configuration.layers import Configuration, Found, Layer, configured
from rendergateway.configuration.profiles import configuration_path
from rendergateway.configuration.settings import SETTINGS, Setting

__all__ = ["SETTINGS", "Configuration", "Found", "Layer", "Setting", "configuration_path", "configured"]
