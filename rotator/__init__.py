"""A self-hosted secrets manager whose heart is a rotation engine."""

__all__ = ["__version__"]

__version__ = "0.1.0"
