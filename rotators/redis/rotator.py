"""The rotators, without what reaches the target."""

from typing import ClassVar

from rotator.sdk import Overlap, SecretValue
from rotators.databases.facade import Steps
from rotators.databases.one_user import OneUserRotator
from rotators.redis.secret import RedisSecret, parse
from rotators.redis.settings import RedisSettings


class RedisAcl(OneUserRotator):
    """Gives a user of Redis a second password, and takes the old one away when its grace period is over."""

    name: ClassVar[str] = "redis-acl"
    aliases: ClassVar[tuple[str, ...]] = ("redis",)
    summary: ClassVar[str] = (
        "changes the password of one Redis user on every node; old and new both log in until retire"
    )

    overlap = Overlap.DUAL
    settings_model = RedisSettings

    def _parse(self, value: SecretValue) -> RedisSecret:
        return parse(value)

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
