"""The JSON of a Redis or Valkey secret: the fields of AWS's database secrets."""

import re
from dataclasses import dataclass, field

from rotator.sdk import Misconfigured, SecretValue
from rotators.databases.fields import Fields

DEFAULT_PORT = 6379
DEFAULT_USER = "default"
"""The user of a login that names none."""

ENGINES = ("redis", "valkey")
_SPACE = re.compile(r"\s")


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisSecret:
    """A credential of a user and where it logs in.

    Attributes:
        tls: the connection is encrypted and the server's certificate verified; False is plaintext.
        ca: the secret's own `ssl_ca`, a path.
    """

    host: str
    port: int
    username: str
    password: str = field(repr=False)
    masterarn: str | None
    tls: bool
    ca: str | None

    @property
    def address(self) -> str:
        """Host and port, for messages."""
        return f"{self.host}:{self.port}"


def parse(value: SecretValue) -> RedisSecret:
    """The credential that `value` holds; without a "username" it is the default user's.

    Raises:
        Misconfigured: a field is missing or wrong; the message names it.
    """
    fields = Fields.of(value, product="Redis")
    fields.check_engine(ENGINES)
    return RedisSecret(
        host=fields.host(),
        port=fields.port(default=DEFAULT_PORT),
        username=_username(fields),
        password=fields.text("password"),
        masterarn=fields.optional_text("masterarn"),
        tls=fields.ssl() is not False,
        ca=fields.optional_text("ssl_ca"),
    )


def _username(fields: Fields) -> str:
    name = fields.optional_text("username") or DEFAULT_USER
    if _SPACE.search(name):
        raise Misconfigured(
            'the secret\'s "username" has a space in it, which no user of Redis has',
            hint="correct it: ACL USERS",
        )
    return name
