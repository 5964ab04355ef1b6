"""The rotator, without what reaches the target."""

from typing import ClassVar

from rotator.sdk import Overlap, SecretValue
from rotators.databases.facade import SessionTellingRotator, SessionTellingSteps
from rotators.databases.one_user import OneUserRotator
from rotators.rabbitmq.secret import RabbitmqSecret, parse


class RabbitmqUser(OneUserRotator, SessionTellingRotator):
    """Sets a user's one password, by the management API."""

    name: ClassVar[str] = "rabbitmq-user"
    aliases: ClassVar[tuple[str, ...]] = ("rabbitmq",)
    summary: ClassVar[str] = (
        "changes the password of one RabbitMQ user by the management API; readers wait while it changes"
    )
    overlap = Overlap.GAP

    def _parse(self, value: SecretValue) -> RabbitmqSecret:
        return parse(value)

    def _load(self) -> SessionTellingSteps:
        from rotators.rabbitmq.steps import RabbitmqSteps

        return RabbitmqSteps()
