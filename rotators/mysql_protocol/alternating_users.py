"""What the alternating-users rotators of MySQL and MariaDB do alike without reaching the target."""

from typing import ClassVar

from rotator.sdk import Authority, Overlap, Rotation, SecretValue
from rotators.databases.facade import SessionTellingRotator
from rotators.databases.passwords import new_value
from rotators.mysql_protocol.pairs import other_user, user_pair
from rotators.mysql_protocol.policy import Requirements, generate
from rotators.mysql_protocol.secret import Product, parse
from rotators.mysql_protocol.settings import AccountSettings


class AlternatingUsersRotator(SessionTellingRotator):
    """A rotator of two users that take turns."""

    product: ClassVar[Product]
    overlap = Overlap.ALTERNATING
    settings_model = AccountSettings

    def claims(self, value: SecretValue) -> Authority:
        """What the secret's JSON says that a rotation acts on."""
        secret = parse(value, self.product)
        return Authority(
            host=secret.host,
            port=secret.port,
            admin=secret.masterarn,
            users=user_pair(secret.username, self.product),
        )

    def create_secret(self, rotation: Rotation) -> SecretValue:
        """The current JSON for the other user, with a password that the server's policy takes as far as it is known."""
        required: Requirements = getattr(self._loaded, "requirements", Requirements())
        current = rotation.current
        username = other_user(parse(current, self.product).username, self.product)
        password = generate(rotation.settings.policy(), required, strictness=rotation.strictness)
        return new_value(current, username=username, password=password)
