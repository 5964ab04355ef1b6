"""The JSON of a directory user's secret: the fields of AWS's database secrets, the user by its DN."""

from dataclasses import dataclass

from rotator.sdk import Misconfigured, SecretValue
from rotators.databases.fields import Fields
from rotators.databases.server_secret import ServerSecret

ENGINES = ("openldap", "ldap")
LDAP_PORT = 389
LDAPS_PORT = 636


@dataclass(frozen=True, slots=True, kw_only=True)
class LdapSecret(ServerSecret):
    """A credential of a user, named by its DN, and where it binds.

    Attributes:
        ldaps: TLS from the first byte; else it begins with StartTLS.
    """

    ldaps: bool


def parse(value: SecretValue) -> LdapSecret:
    """The credential that `value` holds.

    Raises:
        Misconfigured: a field is missing or wrong; the message names it.
    """
    fields = Fields.of(value, product="OpenLDAP")
    fields.check_engine(ENGINES)
    port = fields.port(default=LDAP_PORT)
    return LdapSecret(
        host=fields.host(),
        port=port,
        username=_dn(fields),
        password=fields.text("password"),
        masterarn=fields.optional_text("masterarn"),
        tls=fields.ssl() is not False,
        ldaps=_ldaps(fields, port),
        ca=fields.optional_text("ssl_ca"),
    )


def _dn(fields: Fields) -> str:
    name = fields.text("username")
    if "=" not in name:
        raise Misconfigured(
            'the secret\'s "username" is no DN',
            hint='store the whole name of the entry, as "uid=app,ou=services,dc=example,dc=com"',
        )
    return name


def _ldaps(fields: Fields, port: int) -> bool:
    """Whether TLS is there from the first byte: as "starttls" says, else by the port."""
    starttls = fields.values.get("starttls")
    if starttls is None:
        return port == LDAPS_PORT
    if not isinstance(starttls, bool):
        raise Misconfigured(
            'the secret\'s "starttls" is neither true nor false',
            hint='store "starttls": false where the port is one for ldaps',
        )
    return not starttls
