"""Rotators without packaging, declared in the configuration: a program of yours, or an HTTPS endpoint of yours.

Only what start-up needs is imported here.
"""

from rotators.external.command import Command
from rotators.external.webhook import Webhook

__all__ = ["Command", "Webhook"]
