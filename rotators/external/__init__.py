"""Rotators and notifiers without packaging, declared in the configuration: programs and HTTPS endpoints of yours.

Only what start-up needs is imported here.
"""

from rotators.external.command import Command
from rotators.external.notifiers import CommandNotifier, WebhookNotifier
from rotators.external.webhook import Webhook

__all__ = ["Command", "CommandNotifier", "Webhook", "WebhookNotifier"]
