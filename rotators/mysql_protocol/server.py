"""What the server says of itself; open to every user."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rotator.sdk import Finding
from rotators.databases import finding
from rotators.mysql_protocol.quoting import account, split_account
from rotators.mysql_protocol.secret import MysqlSecret, Product
from rotators.mysql_protocol.session import Session
from rotators.mysql_protocol.statement_failure import explained

_VARIABLES = """
SHOW GLOBAL VARIABLES WHERE Variable_name IN (
    'innodb_flush_log_at_trx_commit', 'log_raw', 'max_password_errors', 'password_history', 'read_only',
    'strict_password_validation', 'sync_binlog'
) OR Variable_name LIKE 'validate_password%' OR Variable_name LIKE 'simple_password_check%'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One server, as the session sees it.

    Attributes:
        version: its numbers: (8, 0, 14).
        text: its own words for it.
        mariadb: whose it is.
        user, account_host: the account that the session was let in as.
        variables: global ones that matter here, as far as the server has them.
    """

    version: tuple[int, ...]
    text: str
    mariadb: bool
    user: str
    account_host: str
    variables: Mapping[str, str]

    @property
    def account_name(self) -> str:
        """The session's account, quoted."""
        return account(self.user, self.account_host)

    def on(self, variable: str) -> bool:
        """Whether a variable is switched on."""
        return self.variables.get(variable, "").upper() in {"ON", "1", "YES"}

    def number(self, variable: str, default: int = 0) -> int:
        """A variable's number."""
        text = self.variables.get(variable, "")
        return int(text) if text.isdigit() else default


def read_server(session: Session) -> Server:
    """All of it, in two round trips."""
    with explained("reading the server's settings"):
        text, own_account = session.run("SELECT VERSION(), CURRENT_USER()")[0]
        variables = {str(name): str(value) for name, value in session.run(_VARIABLES)}
    user, host = split_account(own_account)
    return Server(
        version=version_numbers(text),
        text=text,
        mariadb="MariaDB" in text,
        user=user,
        account_host=host,
        variables=variables,
    )


def version_numbers(text: str) -> tuple[int, ...]:
    """(10, 11, 19) for `10.11.19-MariaDB-log`."""
    numbers = text.partition("-")[0].split(".")
    return tuple(int(number) for number in numbers if number.isdigit())


def server_findings(
    server: Server, product: Product, *, oldest: tuple[int, ...]
) -> Iterator[Finding]:
    """What is to be said of the server, whoever rotates on it."""
    is_mariadb = product.name == "MariaDB"
    if server.mariadb is not is_mariadb:
        other = "mariadb" if server.mariadb else "mysql"
        yield finding.refusal(
            f"the server is {'MariaDB' if server.mariadb else 'MySQL'} ({server.text}), not {product.name}",
            f'use the rotator {other}-single-user and store "engine": "{other}" in the secret',
        )
        return
    if server.version < oldest:
        yield finding.refusal(
            f"the server is {product.name} {server.text}; {'.'.join(map(str, oldest))} is the oldest supported",
            "upgrade the server",
        )
    else:
        yield finding.ok(f"reached {product.name} {server.text} and logged in")
    if server.on("read_only"):
        yield finding.refusal(
            "the server takes no changes (read_only)", "let the secret's host be the primary"
        )
    if server.on("log_raw"):
        yield finding.refusal(
            "the server logs statements as they come in (log_raw), new passwords too",
            "SET GLOBAL log_raw = OFF",
        )
    if server.number("innodb_flush_log_at_trx_commit", 1) != 1:
        yield finding.warning(
            "the server runs with innodb_flush_log_at_trx_commit = "
            f"{server.variables['innodb_flush_log_at_trx_commit']}: a crash of its machine may bring the old "
            "password back",
            "SET GLOBAL innodb_flush_log_at_trx_commit = 1",
        )


def tls_findings(*secrets: MysqlSecret) -> Iterator[Finding]:
    """How the connections are encrypted; secrets that say the same give one finding."""
    for tls, secret in {secret.tls: secret for secret in reversed(secrets)}.items():
        if tls:
            yield finding.ok("TLS, and the server's certificate and name are verified")
        else:
            yield finding.warning(
                f'connections of "{secret.username}" are not encrypted ("ssl": false): logins and new passwords cross '
                "the network in plaintext",
                'turn TLS on in the server (ssl_cert, ssl_key), and leave out "ssl" in the secret',
            )
