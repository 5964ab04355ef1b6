"""The rotator, without what reaches the target."""

from typing import ClassVar

from rotator.sdk import Authority, Overlap, Rotation, SecretValue
from rotators.databases.facade import DatabaseRotator, Steps
from rotators.databases.passwords import new_value
from rotators.rabbitmq.secret import parse


class RabbitmqUser(DatabaseRotator):
    """Sets a user's one password, by the management API."""

    name: ClassVar[str] = "rabbitmq-user"
    aliases: ClassVar[tuple[str, ...]] = ("rabbitmq",)
    summary: ClassVar[str] = (
        "changes the password of one RabbitMQ user by the management API; readers wait while it changes"
    )
    overlap = Overlap.GAP

    def claims(self, value: SecretValue) -> Authority:
        """What the secret's JSON says that a rotation acts on."""
        secret = parse(value)
        return Authority(
            host=secret.host, port=secret.port, admin=secret.masterarn, users=(secret.username,)
        )

    def create_secret(self, rotation: Rotation) -> SecretValue:
        """The current JSON with a new password."""
        current = rotation.current
        return new_value(
            current, username=parse(current).username, password=rotation.random_password()
        )

    def _load(self) -> Steps:
        from rotators.rabbitmq.steps import RabbitmqSteps

        return RabbitmqSteps()
