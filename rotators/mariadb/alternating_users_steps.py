"""The steps of `mariadb-alternating-users` on the target.

One statement an account: the server changes some accounts of a statement and fails at the next.
"""

from collections.abc import Iterator, Sequence

from rotator.sdk import Finding, Rotation
from rotators.mariadb import findings
from rotators.mariadb.accounts import MariadbAccount, read_accounts
from rotators.mariadb.methods import Method, identified, instead
from rotators.mysql_protocol.alternating_users_steps import AlternatingUsersSteps
from rotators.mysql_protocol.pairs import Pairs
from rotators.mysql_protocol.quoting import identifier
from rotators.mysql_protocol.secret import MARIADB
from rotators.mysql_protocol.server import Server
from rotators.mysql_protocol.session import Session
from rotators.mysql_protocol.statement_failure import explained
from rotators.mysql_protocol.turns import LOCK, UNLOCK, Turn
from rotators.mysql_protocol.two_users import Shown

_DEFAULT_ROLES = """
SELECT p.Host, JSON_VALUE(p.Priv, '$.default_role') AS role FROM mysql.global_priv p
JOIN mysql.roles_mapping m ON m.User = p.User AND m.Host = p.Host AND m.Role = JSON_VALUE(p.Priv, '$.default_role')
WHERE p.User = %s
"""
"""Of roles that the account still has: the server keeps the name of one that was revoked."""


class MariadbAlternatingUsersSteps(AlternatingUsersSteps[MariadbAccount]):
    """MariaDB: an account has a list of methods; the passwords among them are replaced."""

    product = MARIADB
    oldest = findings.OLDEST

    def _read_accounts(self, session: Session, user: str) -> list[MariadbAccount]:
        return read_accounts(session, user)

    def _read_default_roles(self, session: Session, user: str) -> dict[str, frozenset[str]]:
        with explained("reading the default roles"):
            rows = session.run(_DEFAULT_ROLES, (user,))
        return {host: frozenset({identifier(role)}) for host, role in rows}

    def _sees_passwords(self, rotation: Rotation) -> bool:
        sent: bool = rotation.settings.clear_text
        return sent

    def _judge(
        self, pairs: Pairs[MariadbAccount], server: Server, rotation: Rotation
    ) -> Iterator[Finding]:
        yield from findings.turn_findings(pairs.of(pairs.original), server)
        yield from findings.clear_text_findings(server, rotation)

    def _has(self, account: MariadbAccount, password: str) -> bool:
        return account.accepts(password)

    def _fits(self, turn: Turn[MariadbAccount]) -> bool:
        if turn.account is None:
            return False
        have = [method.plugin for method in turn.account.methods]
        return have == [method.plugin for method in _methods(turn, "")]

    def _create(self, turn: Turn[MariadbAccount], password: str, rotation: Rotation) -> str:
        options = " ".join(turn.model.options)
        clause = self._identified(turn, password, rotation)
        return f"CREATE USER {turn.name} {clause} {options}{LOCK}"

    def _give(
        self, turns: Sequence[Turn[MariadbAccount]], password: str, rotation: Rotation, *, lock: str
    ) -> list[str]:
        return [
            f"ALTER USER {turn.name} {self._identified(turn, password, rotation)}{lock}"
            for turn in turns
        ]

    def _shown(self, turns: Sequence[Turn[MariadbAccount]], rotation: Rotation) -> Shown:
        del rotation
        return Shown(
            made=[
                f"CREATE USER {turn.name} {_shown(turn, 'a random')} {' '.join(turn.model.options)}{LOCK}"
                for turn in turns
            ],
            given=[
                f"ALTER USER {turn.name} {_shown(turn, 'the new')}{UNLOCK if turn.clone else ''}"
                for turn in turns
            ],
            disabled=[f"ALTER USER {turn.name} {_shown(turn, 'a random')}" for turn in turns],
        )

    def _identified(self, turn: Turn[MariadbAccount], password: str, rotation: Rotation) -> str:
        clear_text = (
            self._server is not None
            and rotation.settings.clear_text
            and findings.validates_hashes(self._server)
        )
        return identified(_methods(turn, password), clear_text=clear_text)


def _methods(turn: Turn[MariadbAccount], password: str) -> tuple[Method, ...]:
    """Those of the model with the password; a clone gets no others, which belong to the original's name."""
    methods = instead(turn.model.methods, password)
    return tuple(method for method in methods if method.is_password) if turn.clone else methods


def _shown(turn: Turn[MariadbAccount], whose: str) -> str:
    """The methods as a plan shows them, without a hash."""
    hidden = [
        Method(plugin=m.plugin, stored=f"<hash of {whose} password>" if m.is_password else m.stored)
        for m in _methods(turn, "")
    ]
    return identified(hidden, clear_text=False)
