"""The steps of `mysql-alternating-users` on the target."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from rotator.sdk import Finding, Rotation
from rotators.mysql import findings, statements
from rotators.mysql.accounts import MysqlAccount, read_accounts
from rotators.mysql_protocol.alternating_users_steps import AlternatingUsersSteps
from rotators.mysql_protocol.pairs import Pairs
from rotators.mysql_protocol.quoting import identifier, literal
from rotators.mysql_protocol.secret import MYSQL
from rotators.mysql_protocol.server import Server, version_numbers
from rotators.mysql_protocol.session import Session
from rotators.mysql_protocol.statement_failure import explained
from rotators.mysql_protocol.turns import LOCK, UNLOCK, Turn
from rotators.mysql_protocol.two_users import Shown

_DEFAULT_ROLES = (
    "SELECT HOST, DEFAULT_ROLE_USER, DEFAULT_ROLE_HOST FROM mysql.default_roles WHERE USER = %s"
)
_ROLES_SINCE = (8,)
_RANDOM = "<a random password>"


class MysqlAlternatingUsersSteps(AlternatingUsersSteps[MysqlAccount]):
    """MySQL: all accounts of a user get their password in one statement."""

    product = MYSQL
    oldest = findings.OLDEST

    def _read_accounts(self, session: Session, user: str) -> list[MysqlAccount]:
        return read_accounts(session, user)

    def _read_default_roles(self, session: Session, user: str) -> dict[str, frozenset[str]]:
        roles: dict[str, set[str]] = defaultdict(set)
        if version_numbers(session.version) >= _ROLES_SINCE:
            with explained("reading the default roles"):
                rows = session.run(_DEFAULT_ROLES, (user,))
            for host, role, role_host in rows:
                roles[host].add(f"{identifier(role)}@{identifier(role_host)}")
        return {host: frozenset(names) for host, names in roles.items()}

    def _sees_passwords(self, rotation: Rotation) -> bool:
        del rotation
        return True

    def _judge(
        self, pairs: Pairs[MysqlAccount], server: Server, rotation: Rotation
    ) -> Iterator[Finding]:
        del server, rotation
        return findings.turn_findings(pairs.of(pairs.original), clones=pairs.of(pairs.clone))

    def _has(self, account: MysqlAccount, password: str) -> bool:
        return account.has_first(password)

    def _fits(self, turn: Turn[MysqlAccount]) -> bool:
        return turn.account is not None and turn.account.plugin == turn.model.plugin

    def _create(self, turn: Turn[MysqlAccount], password: str, rotation: Rotation) -> str:
        del rotation
        options = " ".join(turn.model.options)
        return f"CREATE USER {_identified(turn, password)} {options}{LOCK}"

    def _give(
        self, turns: Sequence[Turn[MysqlAccount]], password: str, rotation: Rotation, *, lock: str
    ) -> list[str]:
        del rotation
        # A second password, of a single-user rotation before, would stay valid.
        seconds = [turn.account for turn in turns if turn.account and turn.account.second]
        given = ", ".join(_identified(turn, password) for turn in turns)
        return [
            *([statements.discard_all(seconds)] if seconds else []),
            f"ALTER USER {given}{lock}",
        ]

    def _shown(self, turns: Sequence[Turn[MysqlAccount]], rotation: Rotation) -> Shown:
        lock = UNLOCK if turns[0].clone else ""
        return Shown(
            made=[self._create(turn, _RANDOM, rotation) for turn in turns],
            given=self._give(turns, statements.HIDDEN, rotation, lock=lock),
            disabled=self._give(turns, _RANDOM, rotation, lock=""),
        )


def _identified(turn: Turn[MysqlAccount], password: str) -> str:
    plugin = f" WITH {literal(turn.model.plugin)}" if turn.clone else ""
    return f"{turn.name} IDENTIFIED{plugin} BY {literal(password)}"
