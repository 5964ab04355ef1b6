"""The rotator, without what reaches the target."""

from typing import ClassVar

from rotator.sdk import Authority, Overlap, Rotation, SecretValue
from rotators.databases.facade import DatabaseRotator, Steps
from rotators.databases.passwords import new_value
from rotators.ldap.secret import parse
from rotators.ldap.settings import LdapSettings


class OpenldapPassword(DatabaseRotator):
    """Gives an entry a second value of userPassword, and takes the old one away when its grace period is over."""

    name: ClassVar[str] = "openldap-password"
    aliases: ClassVar[tuple[str, ...]] = ("openldap",)
    summary: ClassVar[str] = (
        "changes the password of one OpenLDAP entry; old and new both bind until retire"
    )
    overlap = Overlap.DUAL
    settings_model = LdapSettings

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
        from rotators.ldap.steps import LdapSteps

        return LdapSteps()
