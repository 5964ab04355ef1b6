"""The JSON of a Redis or Valkey secret: the fields of AWS's database secrets."""

import re
from dataclasses import dataclass

from rotator.sdk import Misconfigured, SecretValue
from rotators.databases.fields import Fields
from rotators.databases.server_secret import ServerSecret

DEFAULT_PORT = 6379
DEFAULT_USER = "default"
"""The user of a login that names none."""

ENGINES = ("redis", "valkey")
_SPACE = re.compile(r"\s")


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisSecret(ServerSecret):
    """A credential of a user and where it logs in."""


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
