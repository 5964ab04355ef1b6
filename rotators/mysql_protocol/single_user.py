"""What the single-user rotators of MySQL and MariaDB do alike without reaching the target."""

from typing import ClassVar

from rotator.sdk import Authority, NotSupported, Overlap, Rotation, SecretValue, Use
from rotators.databases.facade import DatabaseRotator
from rotators.databases.passwords import new_value
from rotators.mysql_protocol.policy import Requirements, generate
from rotators.mysql_protocol.secret import Product, parse
from rotators.mysql_protocol.settings import AccountSettings


class SingleUserRotator(DatabaseRotator):
    """A rotator of one user."""

    product: ClassVar[Product]
    overlap = Overlap.DUAL
    settings_model = AccountSettings

    def claims(self, value: SecretValue) -> Authority:
        """What the secret's JSON says that a rotation acts on."""
        secret = parse(value, self.product)
        return Authority(
            host=secret.host, port=secret.port, admin=secret.masterarn, users=(secret.username,)
        )

    def create_secret(self, rotation: Rotation) -> SecretValue:
        """The current JSON with a new password, which the server's policy takes as far as preflight has read it."""
        current = rotation.current
        required: Requirements = getattr(self._loaded, "requirements", Requirements())
        username = parse(current, self.product).username
        password = generate(rotation.settings.policy(), required, strictness=rotation.strictness)
        return new_value(current, username=username, password=password)

    def in_use(self, rotation: Rotation) -> tuple[Use, ...]:  # noqa: ARG002
        """Not to be told here: the server doesn't keep which of the two passwords a session has logged in with."""
        raise NotSupported(
            f"{self.name} can't tell who still uses the old password: sessions of the user show no password"
        )
