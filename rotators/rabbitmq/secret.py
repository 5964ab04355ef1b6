"""The JSON of a RabbitMQ user's secret: the fields of AWS's database secrets, at the management API's address."""

from dataclasses import dataclass

from rotator.sdk import Misconfigured, SecretValue
from rotators.databases.fields import Fields
from rotators.databases.server_secret import ServerSecret

ENGINES = ("rabbitmq",)
PORT = 15672
TLS_PORT = 15671


@dataclass(frozen=True, slots=True, kw_only=True)
class RabbitmqSecret(ServerSecret):
    """A credential of a user and where the management API answers.

    `port` is that of the API; the secret's "management_port", since "port" is where applications connect.
    """


def parse(value: SecretValue) -> RabbitmqSecret:
    """The credential that `value` holds.

    Raises:
        Misconfigured: a field is missing or wrong; the message names it.
    """
    fields = Fields.of(value, product="RabbitMQ")
    fields.check_engine(ENGINES)
    fields.port(default=PORT)
    tls = fields.ssl() is not False
    return RabbitmqSecret(
        host=fields.host(),
        port=_management_port(fields, default=TLS_PORT if tls else PORT),
        username=_username(fields),
        password=fields.text("password"),
        masterarn=fields.optional_text("masterarn"),
        tls=tls,
        ca=fields.optional_text("ssl_ca"),
    )


def _management_port(fields: Fields, *, default: int) -> int:
    port = fields.values.get("management_port", default)
    if isinstance(port, bool) or not isinstance(port, int) or not 1 <= port <= 65535:
        raise Misconfigured(
            'the secret\'s "management_port" is not a number from 1 to 65535',
            hint=f'store "management_port": {default}',
        )
    return port


def _username(fields: Fields) -> str:
    name = fields.text("username")
    if ":" in name:
        raise Misconfigured(
            'the secret\'s "username" has a colon, which no HTTP login can have',
            hint="rotate a user of another name: rabbitmqctl list_users",
        )
    return name
