"""The JSON of a PostgreSQL secret, in the form that AWS defines for database secrets.

Source: AWS Secrets Manager User Guide, "JSON structure of AWS Secrets Manager secrets", Amazon RDS PostgreSQL.
Everything here is pure; whatever the JSON holds, the only error is Misconfigured, and no message quotes a password.
"""

from dataclasses import dataclass, field

from rotator.sdk import Misconfigured, SecretValue
from rotators.databases.fields import Fields
from rotators.databases.user_names import CLONE_SUFFIX, pair_of

ENGINES = ("postgres", "postgresql", "aurora-postgresql")
DEFAULT_PORT = 5432
DEFAULT_DATABASE = "postgres"
NAME_BYTES = 63
"""The longest name that a server keeps (NAMEDATALEN - 1); it would cut a longer one and mean another role."""

VERIFYING_MODES = ("require", "verify-ca", "verify-full")
PLAINTEXT = "disable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """How the connection is encrypted.

    Attributes:
        mode: libpq's sslmode: `disable`, `require`, `verify-ca` or `verify-full`.
        root_certificate: the secret's own `sslrootcert`: a path or `system`.
    """

    mode: str
    root_certificate: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSecret:
    """A credential of a PostgreSQL role and where it logs in."""

    host: str
    port: int
    username: str
    password: str = field(repr=False)
    dbname: str
    masterarn: str | None
    tls: Tls

    @property
    def address(self) -> str:
        """Host and port, for messages."""
        return f"{self.host}:{self.port}"


def parse(value: SecretValue, *, default_dbname: str = DEFAULT_DATABASE) -> DatabaseSecret:
    """The credential that `value` holds.

    Args:
        value: the secret's value.
        default_dbname: the database where the JSON names none.

    Raises:
        Misconfigured: a field is missing or wrong; the message names it.

    """
    fields = Fields.of(value, product="PostgreSQL")
    fields.check_engine(ENGINES)
    return DatabaseSecret(
        host=fields.host(),
        port=fields.port(default=DEFAULT_PORT),
        username=_name(fields, "username"),
        password=fields.text("password"),
        dbname=default_dbname if fields.values.get("dbname") is None else _name(fields, "dbname"),
        masterarn=fields.optional_text("masterarn"),
        tls=_tls(fields),
    )


def user_pair(username: str) -> tuple[str, str]:
    """The original user and its clone, whichever of the two `username` is.

    Raises:
        Misconfigured: the clone's name would be longer than a server keeps.
    """
    original, clone = pair_of(username)
    excess = len(clone.encode()) - NAME_BYTES
    if excess > 0:
        raise Misconfigured(
            f'the clone\'s name "{clone}" is {excess} bytes longer than the {NAME_BYTES} that PostgreSQL keeps',
            hint=f"use a user name of at most {NAME_BYTES - len(CLONE_SUFFIX)} bytes, or the single-user rotator",
        )
    return original, clone


def other_user(username: str) -> str:
    """The user whose turn comes after `username`'s; see `user_pair`."""
    original, clone = user_pair(username)
    return original if username == clone else clone


def _name(fields: Fields, field_name: str) -> str:
    name = fields.text(field_name)
    if len(name.encode()) > NAME_BYTES:
        raise Misconfigured(
            f'the secret\'s "{field_name}" is longer than the {NAME_BYTES} bytes that PostgreSQL keeps of a name',
            hint="the server knows it by a shorter name: SELECT rolname FROM pg_roles; SELECT datname FROM pg_database",
        )
    return name


def _tls(fields: Fields) -> Tls:
    encrypted = fields.ssl()
    mode = fields.values.get("sslmode")
    root = fields.optional_text("sslrootcert")
    if mode is not None and mode not in (PLAINTEXT, *VERIFYING_MODES):
        raise Misconfigured(
            'the secret\'s "sslmode" is none that keeps its promise: allow and prefer fall back to plaintext silently',
            hint=f"set it to one of: {', '.join(VERIFYING_MODES)}; or leave it out for verify-full",
        )
    if encrypted is False:
        if mode not in (None, PLAINTEXT):
            raise Misconfigured(
                f'the secret says "ssl": false and "sslmode": "{mode}", which contradict each other',
                hint='leave out "sslmode" for plaintext, or "ssl" for TLS',
            )
        return Tls(mode=PLAINTEXT)
    if mode == PLAINTEXT:
        raise Misconfigured(
            'the secret says "sslmode": "disable" without "ssl": false',
            hint='set "ssl": false if the connection shall really be plaintext',
        )
    return Tls(mode=mode or "verify-full", root_certificate=root)
