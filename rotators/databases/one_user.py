"""Rotators of the password of one user, whom the secret names."""

from abc import abstractmethod

from rotator.sdk import Authority, Rotation, SecretValue
from rotators.databases.facade import DatabaseRotator
from rotators.databases.passwords import new_value
from rotators.databases.server_secret import ServerSecret


class OneUserRotator(DatabaseRotator):
    """Acts on the server and the user that the secret's JSON names, and makes a new password for it."""

    @abstractmethod
    def _parse(self, value: SecretValue) -> ServerSecret:
        """The credential that `value` holds.

        Raises:
            Misconfigured: a field is missing or wrong; the message names it.
        """

    def claims(self, value: SecretValue) -> Authority:
        """What the secret's JSON says that a rotation acts on."""
        secret = self._parse(value)
        return Authority(
            host=secret.host, port=secret.port, admin=secret.masterarn, users=(secret.username,)
        )

    def create_secret(self, rotation: Rotation) -> SecretValue:
        """The current JSON with a new password."""
        current = rotation.current
        return new_value(
            current, username=self._parse(current).username, password=rotation.random_password()
        )
