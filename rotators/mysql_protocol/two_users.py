"""Two users that take turns, on the target: what is read of them, and how they are changed."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Generic

from rotator.sdk import (
    Candidate,
    Finding,
    Misconfigured,
    PasswordPolicy,
    Rotation,
    TargetRefused,
)
from rotators.mysql_protocol import fence
from rotators.mysql_protocol.accounts import A
from rotators.mysql_protocol.admin import admin_secret
from rotators.mysql_protocol.comparison import Compared, compare, read_own_held
from rotators.mysql_protocol.credential import Prover
from rotators.mysql_protocol.held import Held
from rotators.mysql_protocol.pairs import Pairs, choose_pairs, user_pair
from rotators.mysql_protocol.policy import generate, requirements
from rotators.mysql_protocol.secret import MysqlSecret, Product, parse
from rotators.mysql_protocol.server import Server, read_server
from rotators.mysql_protocol.session import Session, login
from rotators.mysql_protocol.turns import Turn

_PASSES = 5
"""Enough for every way in which one change brings about another; see `following`."""

_HINT = "the admin user needs more rights: GRANT CREATE USER ON *.*, and what it passes on WITH GRANT OPTION"
DOING = "changing the users"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """Statements with no password in them.

    Attributes:
        made: those that make the accounts.
        given: those that give them the new password.
        disabled: those that give them one that nobody knows.
    """

    made: list[str]
    given: list[str]
    disabled: list[str]


class TwoUsers(ABC, Generic[A]):
    """Reads and changes the accounts of both users, in one session of the admin."""

    product: ClassVar[Product]
    oldest: ClassVar[tuple[int, ...]]

    def __init__(self) -> None:
        self._prover = Prover()
        self._admin: Session | None = None
        self._server: Server | None = None
        self._held_by_admin: frozenset[Held] | None = None
        self._host_of_current: str | None = None

    # What differs.

    @abstractmethod
    def _read_accounts(self, session: Session, user: str) -> list[A]:
        """All accounts of the user."""

    @abstractmethod
    def _read_default_roles(self, session: Session, user: str) -> dict[str, frozenset[str]]:
        """The default roles of the user's accounts, as statements name them, by host."""

    @abstractmethod
    def _judge(self, pairs: Pairs[A], server: Server, rotation: Rotation) -> Iterator[Finding]:
        """Whether the accounts can be changed as far as only this server knows."""

    @abstractmethod
    def _sees_passwords(self, rotation: Rotation) -> bool:
        """Whether the server is sent passwords that its policy can judge, and no hashes."""

    @abstractmethod
    def _has(self, account: A, password: str) -> bool:
        """Whether it is the password that the account was given last."""

    @abstractmethod
    def _fits(self, turn: Turn[A]) -> bool:
        """Whether the account is authenticated in the way that the turn asks for."""

    @abstractmethod
    def _create(self, turn: Turn[A], password: str, rotation: Rotation) -> str:
        """The statement that makes the account, locked."""

    @abstractmethod
    def _give(
        self, turns: Sequence[Turn[A]], password: str, rotation: Rotation, *, lock: str
    ) -> list[str]:
        """The statements after which the password is the only one of the accounts; the last one gives it."""

    @abstractmethod
    def _shown(self, turns: Sequence[Turn[A]], rotation: Rotation) -> Shown:
        """The statements for these accounts as a plan shows them."""

    def close(self) -> None:
        """End the admin's session."""
        if self._admin is not None:
            self._admin.close()
            self._admin = None

    # What they are made of.

    def _parse(self, rotation: Rotation, candidate: Candidate) -> MysqlSecret:
        return parse(rotation.value(candidate), self.product)

    def _pending_of_other_user(self, rotation: Rotation) -> MysqlSecret:
        """The pending value, which has to be of the user that isn't in use."""
        pending = self._parse(rotation, Candidate.PENDING)
        if pending.username == self._parse(rotation, Candidate.CURRENT).username:
            raise Misconfigured(
                f'AWSPENDING holds the same user as AWSCURRENT, "{pending.username}", so it isn\'t of an alternating '
                "rotation",
                hint="give that rotation up with `rotate abort`, then start a new one",
            )
        return pending

    def _old_user(self, rotation: Rotation) -> str:
        self._pending_of_other_user(rotation)
        return self._parse(rotation, Candidate.CURRENT).username

    def _previous_of(self, user: str, rotation: Rotation) -> MysqlSecret | None:
        if Candidate.PREVIOUS not in rotation.values:
            return None
        previous = self._parse(rotation, Candidate.PREVIOUS)
        return previous if previous.username == user else None

    def _admin_secret(self, rotation: Rotation) -> MysqlSecret:
        current = self._parse(rotation, Candidate.CURRENT)
        users = user_pair(current.username, self.product)
        admin = admin_secret(rotation, current, self.product)
        if admin.username in users:
            raise Misconfigured(
                f'the admin secret is for "{admin.username}", one of the users that take turns',
                hint="name the secret of another user in masterarn",
            )
        return admin

    def _admin_session(self, rotation: Rotation) -> Session:
        if self._admin is not None and self._admin.usable:
            self._admin.deadline = rotation.deadline
            return self._admin
        self.close()
        self._admin = login(self._admin_secret(rotation), rotation, admin=True)
        return self._admin

    def _session_for_change(self, rotation: Rotation) -> Session:
        session = self._admin_session(rotation)
        self._prover.forget()
        fence.take_lock(session, rotation)
        return session

    def _server_of(self, session: Session) -> Server:
        if self._server is None:
            self._server = read_server(session)
        return self._server

    def _admin_name(self) -> str:
        return "<admin>" if self._server is None else self._server.account_name

    def _pairs(self, session: Session, rotation: Rotation) -> Pairs[A]:
        users = user_pair(self._parse(rotation, Candidate.CURRENT).username, self.product)
        original, clone = (self._read_accounts(session, user) for user in users)
        secrets = [self._parse(rotation, candidate) for candidate in rotation.values]
        return choose_pairs(
            original, clone, secrets, users=users, listed=rotation.settings.accounts
        )

    def _compare(self, session: Session, pairs: Pairs[A]) -> list[Compared[A]]:
        roles = {
            user: self._read_default_roles(session, user) for user in (pairs.original, pairs.clone)
        }
        return compare(session, pairs, roles, self._admins(session))

    def _admins(self, session: Session) -> frozenset[Held]:
        """What the admin holds."""
        if self._held_by_admin is None:
            self._held_by_admin = read_own_held(session)
        return self._held_by_admin

    def _follow(self, session: Session, pending: str, rotation: Rotation) -> Pairs[A]:
        """Have the clone follow the original; the pairs as they are then."""
        statements: list[str] = []
        for _ in range(_PASSES):
            pairs = self._pairs(session, rotation)
            statements.clear()
            for each in self._compare(session, pairs):
                if each.have is not None:
                    statements += each.statements(mariadb=session.mariadb)
                elif pending == pairs.clone:
                    unknowable = self._unknowable(session, rotation)
                    statements.append(self._create(each.turn, unknowable, rotation))
            if not statements:
                return pairs
            self._send(session, rotation, statements, doing=DOING)
        raise TargetRefused(
            "the clone could not be made the same as the original; what is left: "
            + "; ".join(statements),
            hint="does somebody else change the accounts just now?",
        )

    def _send(
        self, session: Session, rotation: Rotation, statements: Iterable[str], *, doing: str
    ) -> None:
        for statement in statements:
            fence.change(session, rotation, statement, doing=doing, hint=_HINT)

    def _disable(
        self,
        session: Session,
        turns: Sequence[Turn[A]],
        rotation: Rotation,
        *,
        lock: str,
        doing: str,
    ) -> None:
        statements = self._give(turns, self._unknowable(session, rotation), rotation, lock=lock)
        self._send(session, rotation, statements, doing=doing)

    def _stale_turns(self, pairs: Pairs[A], user: str, rotation: Rotation) -> list[Turn[A]]:
        """The user's accounts that nothing rotates and that take a stored password of it, which is about to go."""
        secrets = [parse(value, self.product) for value in rotation.known]
        passwords = [secret.password for secret in secrets if secret.username == user]
        return [
            turn
            for turn in leftover_turns(pairs, user)
            if turn.account is not None and any(map(turn.account.accepts, passwords))
        ]

    def _unknowable(self, session: Session, rotation: Rotation) -> str:
        """A password that nobody gets to know."""
        required = requirements(self._server_of(session))
        return generate(PasswordPolicy(length=48), required, strictness=rotation.strictness)


def leftover_turns(pairs: Pairs[A], user: str) -> list[Turn[A]]:
    """The user's accounts that nothing rotates, each with its own way of authentication."""
    if user == pairs.original:
        return []  # the further ones of the original stay as they are
    return [Turn(name=each.name, model=each, clone=True, account=each) for each in pairs.leftovers]


def turns_of(pairs: Pairs[A], user: str) -> list[Turn[A]]:
    """The accounts that the user gets its passwords for, the clone's that aren't there too."""
    if user == pairs.original:
        return [
            Turn(name=pair.original.name, model=pair.original, clone=False, account=pair.original)
            for pair in pairs.chosen
        ]
    return [
        Turn(name=pairs.clone_name(pair), model=pair.original, clone=True, account=pair.clone)
        for pair in pairs.chosen
    ]
