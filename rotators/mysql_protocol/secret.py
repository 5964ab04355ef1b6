"""The JSON of a MySQL or MariaDB secret, in the form that AWS defines for database secrets.

Source: AWS Secrets Manager User Guide, "JSON structure of AWS Secrets Manager secrets", Amazon RDS MySQL and MariaDB.
"""

from dataclasses import dataclass

from rotator.sdk import Misconfigured, SecretValue
from rotators.databases.fields import Fields
from rotators.databases.server_secret import ServerSecret

DEFAULT_PORT = 3306
NAME_CHARACTERS = 32
"""The longest user name of MySQL."""

MARIADB_NAME_CHARACTERS = 80
"""The longest user name that every supported MariaDB takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """Whose server it is.

    Attributes:
        name: as people write it.
        engines: the values of "engine" in the secret.
        name_characters: the longest user name.
    """

    name: str
    engines: tuple[str, ...]
    name_characters: int


MYSQL = Product(name="MySQL", engines=("mysql", "aurora-mysql"), name_characters=NAME_CHARACTERS)
MARIADB = Product(name="MariaDB", engines=("mariadb",), name_characters=MARIADB_NAME_CHARACTERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class MysqlSecret(ServerSecret):
    """A credential of a user and where it logs in.

    Attributes:
        dbname: the database of the session, None for none.
    """

    dbname: str | None


def parse(value: SecretValue, product: Product) -> MysqlSecret:
    """The credential that `value` holds.

    Raises:
        Misconfigured: a field is missing or wrong; the message names it.
    """
    fields = Fields.of(value, product=product.name)
    fields.check_engine(product.engines)
    return MysqlSecret(
        host=fields.host(),
        port=fields.port(default=DEFAULT_PORT),
        username=_username(fields, product),
        password=fields.text("password"),
        dbname=fields.optional_text("dbname"),
        masterarn=fields.optional_text("masterarn"),
        tls=fields.ssl() is not False,
        ca=fields.optional_text("ssl_ca"),
    )


def _username(fields: Fields, product: Product) -> str:
    name = fields.text("username")
    if len(name) > product.name_characters:
        raise Misconfigured(
            f'the secret\'s "username" is longer than the {product.name_characters} characters of a '
            f"{product.name} user name",
            hint="correct it: SELECT user, host FROM mysql.user",
        )
    return name
