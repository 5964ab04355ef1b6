"""Rotators that the configuration declares: programs and endpoints. Pure.

Only here can a program be named. Who may set a rotation chooses one of them by its name; letting that person name any
program would let them run it as the user of the daemon.
"""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from rotator.errors import ConfigurationError

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")  # a Lambda function's, so that an ARN can name it
_SHORTEST_KEY = 32
_SECONDS = {"low": 1.0, "high": 3600.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSettings:
    """A program that rotates.

    Attributes:
        argv: its absolute path and its first arguments.
        timeout: seconds for each verb.
        environment: names of variables that it gets besides PATH, HOME and their like.
        issues_value: its target makes the new value.
    """

    argv: tuple[str, ...]
    timeout: float = field(default=30.0, metadata=_SECONDS)
    environment: tuple[str, ...] = ()
    issues_value: bool = False

    def options(self) -> dict[str, Any]:
        """What the rotator is made with, besides its name."""
        return {"argv": self.argv, "timeout": self.timeout, "environment": self.environment}


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSettings:
    """An endpoint that rotates.

    Attributes:
        url: of the endpoint, https.
        key: what requests are signed with, at least 32 characters.
        timeout: seconds for each verb.
        allow_plaintext: http is allowed, to an address of this machine.
        issues_value: its target makes the new value.
    """

    url: str
    key: str = field(repr=False, metadata={"secret": True})
    timeout: float = field(default=30.0, metadata=_SECONDS)
    allow_plaintext: bool = False
    issues_value: bool = False

    def options(self) -> dict[str, Any]:
        """What the rotator is made with, besides its name."""
        return {"url": self.url, "key": self.key, "timeout": self.timeout}


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifierSettings:
    """A notifier of another package.

    Attributes:
        kind: the name of its entry point in `rotator.notifiers`.
        options: what it is made with, by name; they may be secret.
    """

    kind: str
    options: Mapping[str, str] = field(
        default_factory=dict, repr=False, metadata={"texts": True, "secret": True}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationSettings:
    """Who is told of what a person has to know.

    Attributes:
        commands: programs that are run with each notice, by a name.
        webhooks: endpoints that each notice is posted to, by a name.
        plugins: notifiers of other packages, by a name.
    """

    commands: Mapping[str, CommandSettings] = field(
        default_factory=dict, metadata={"named": CommandSettings}
    )
    webhooks: Mapping[str, WebhookSettings] = field(
        default_factory=dict, metadata={"named": WebhookSettings}
    )
    plugins: Mapping[str, NotifierSettings] = field(
        default_factory=dict, metadata={"named": NotifierSettings}
    )


def check_declared(
    commands: Mapping[str, CommandSettings],
    webhooks: Mapping[str, WebhookSettings],
    plugins: Mapping[str, NotifierSettings] = MappingProxyType({}),
    *,
    within: str = "",
) -> None:
    """What must hold for programs and endpoints, and for plugins beside them.

    Args:
        within: what their keys begin with.

    Raises:
        ConfigurationError: with the key and the reason.
    """
    taken: dict[str, str] = {}
    sections = {"commands": commands, "webhooks": webhooks, "plugins": plugins}
    for section, names in sections.items():
        for name in names:
            if not NAME.fullmatch(name):
                raise ConfigurationError(
                    f"{within}{section}.{name}: a name has letters, digits, - and _, 64 at most."
                )
            if name in taken:
                raise ConfigurationError(
                    f"{within}{section}.{name}: this name is in {within}{taken[name]} too. Give one of them another."
                )
            taken[name] = section
    for name, command in commands.items():
        _check_command(f"{within}commands.{name}", command)
    for name, webhook in webhooks.items():
        _check_webhook(f"{within}webhooks.{name}", webhook)


def _check_command(key: str, command: CommandSettings) -> None:
    if not command.argv or not command.argv[0].startswith("/"):
        raise ConfigurationError(
            f"{key}.argv: expected the program's absolute path and its arguments, such as "
            "[/usr/local/bin/rotate-token, --verbose]."
        )
    for name in command.environment:
        if name.startswith("ROTATOR_"):
            raise ConfigurationError(
                f"{key}.environment: {name} is a setting of rotator's own, and may be secret. "
                "Leave it out."
            )


def _check_webhook(key: str, webhook: WebhookSettings) -> None:
    scheme, host = _scheme_and_host(webhook.url)
    if not host or scheme not in {"https", "http"}:
        raise ConfigurationError(
            f"{key}.url: expected https://HOST/PATH, without a user and without a fragment."
        )
    if scheme == "http" and not (webhook.allow_plaintext and _is_this_machine(host)):
        raise ConfigurationError(
            f"{key}.url: http would send values in clear text. Use https; http is there for an address of "
            f"this machine (127.0.0.1, ::1, localhost), with {key}.allow_plaintext: true."
        )
    if len(webhook.key) < _SHORTEST_KEY:
        raise ConfigurationError(
            f"{key}.key: expected {_SHORTEST_KEY} characters or more. Make one: openssl rand -hex 32"
        )


def _scheme_and_host(text: str) -> tuple[str, str | None]:
    """What decides who reads what is sent to a URL; no host where there is none, or more than belongs into it."""
    try:
        url = urlsplit(text)
        sound = url.port != 0 and url.username is None and not url.fragment
        return url.scheme, url.hostname if sound else None
    except ValueError:
        return "", None


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
