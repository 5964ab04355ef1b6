"""The rotators, without what reaches the target."""

from typing import ClassVar

from rotator.sdk import Authority, Overlap, Rotation, SecretValue
from rotators.databases.facade import DatabaseRotator, Steps
from rotators.databases.passwords import new_value
from rotators.redis.secret import parse
from rotators.redis.settings import RedisSettings


class RedisAcl(DatabaseRotator):
    """Gives a user of Redis a second password, and takes the old one away when its grace period is over."""

    name: ClassVar[str] = "redis-acl"
    aliases: ClassVar[tuple[str, ...]] = ("redis",)
    summary: ClassVar[str] = (
        "changes the password of one Redis user on every node; old and new both log in until retire"
    )

    overlap = Overlap.DUAL
    settings_model = RedisSettings

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
        from rotators.redis.steps import RedisSteps

        return RedisSteps()


class ValkeyAcl(RedisAcl):
    """The same for Valkey."""

    name: ClassVar[str] = "valkey-acl"
    aliases: ClassVar[tuple[str, ...]] = ("valkey",)
    summary: ClassVar[str] = (
        "changes the password of one Valkey user on every node; old and new both log in until retire"
    )
