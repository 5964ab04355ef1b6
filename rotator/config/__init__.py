"""The configuration: a YAML file, environment variables over it, defaults below both."""

from rotator.config.load import Configuration, load_configuration
from rotator.config.settings import Settings

__all__ = ["Configuration", "Settings", "load_configuration"]
