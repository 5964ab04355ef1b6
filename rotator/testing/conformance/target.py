"""What a rotator is tested on: a real target, as its author's tests reach it."""

import secrets
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from rotator.sdk import Misconfigured, SecretValue

HOSTILE_NAMES: Mapping[str, str] = {
    "quotes": 'it\'s "mine" `now`',
    "percent": "100%s %d%%",
    "statement": "x'; DROP--",
    "backslash": "a\\b\\'c",
    "unicode": "jürgen ✓",
}
"""Names of users that statements, formats and paths choke on; a target may allow fewer."""


class ConformanceTarget(ABC):
    """Makes credentials on the target and logs in with them, without the rotator's help."""

    @property
    def admin(self) -> SecretValue | None:
        """The value of the admin secret that the rotations use; None where credentials change themselves."""
        return None

    @property
    def settings(self) -> Mapping[str, Any]:
        """The rotator's settings, as `rotate rotation set` takes them."""
        return {}

    @abstractmethod
    def new_credential(self, name: str) -> SecretValue:
        """A credential that didn't exist before, and its secret's value.

        Args:
            name: what its user is to be called, where it has one.
        """

    @abstractmethod
    def logs_in(self, value: SecretValue) -> bool:
        """Whether the target accepts the credential; what proves nothing, such as a lost connection, is raised."""

    def wrong(self, value: SecretValue) -> SecretValue:
        """The same credential with a password that the target refuses."""
        try:
            return SecretValue.from_json(value.fields() | {"password": secrets.token_urlsafe(18)})
        except Misconfigured:
            return SecretValue(string=secrets.token_urlsafe(18))

    def logged(self) -> str:
        """What the target has written to its log, where no value may be either."""
        return ""
