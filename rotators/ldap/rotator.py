"""The rotator, without what reaches the target."""

from typing import ClassVar

from rotator.sdk import Overlap, SecretValue
from rotators.databases.facade import Steps
from rotators.databases.one_user import OneUserRotator
from rotators.ldap.secret import LdapSecret, parse
from rotators.ldap.settings import LdapSettings


class OpenldapPassword(OneUserRotator):
    """Gives an entry a second value of userPassword, and takes the old one away when its grace period is over."""

    name: ClassVar[str] = "openldap-password"
    aliases: ClassVar[tuple[str, ...]] = ("openldap",)
    summary: ClassVar[str] = (
        "changes the password of one OpenLDAP entry; old and new both bind until retire"
    )
    overlap = Overlap.DUAL
    settings_model = LdapSettings

    def _parse(self, value: SecretValue) -> LdapSecret:
        return parse(value)

    def _load(self) -> Steps:
        from rotators.ldap.steps import LdapSteps

        return LdapSteps()
