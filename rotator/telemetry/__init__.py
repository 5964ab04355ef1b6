"""Structured logs: events with stable names, and no secret value in them."""

from rotator.telemetry.log import Log, configure, logger

__all__ = ["Log", "configure", "logger"]
