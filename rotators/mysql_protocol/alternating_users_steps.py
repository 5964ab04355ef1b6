"""What the alternating-users rotators of MySQL and MariaDB do alike on the target.

Each statement is committed by itself, so the order is what makes an interruption harmless: a new clone is made locked
and with a password that nobody knows, then it gets what the original holds, and its password and the right to log in
at the very end. What is done already is told by the catalogue, so a step that was interrupted goes on.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar, Generic

from rotator.sdk import (
    Candidate,
    Finding,
    LoginRefused,
    Misconfigured,
    Overlap,
    PasswordPolicy,
    Preflight,
    Proof,
    Rotation,
    TargetRefused,
)
from rotators.databases import finding
from rotators.mysql_protocol import account_findings, clone_findings, fence
from rotators.mysql_protocol.accounts import A
from rotators.mysql_protocol.admin import admin_secret
from rotators.mysql_protocol.comparison import Compared, compare, read_grants, read_own_held
from rotators.mysql_protocol.credential import Prover
from rotators.mysql_protocol.definers import read_defined
from rotators.mysql_protocol.grants import own_grants
from rotators.mysql_protocol.held import Held
from rotators.mysql_protocol.pairs import Pairs, choose_pairs, other_user, user_pair
from rotators.mysql_protocol.policy import Requirements, generate, requirements
from rotators.mysql_protocol.quoting import account, split_account
from rotators.mysql_protocol.secret import MysqlSecret, Product, parse
from rotators.mysql_protocol.server import Server, read_server, server_findings, tls_findings
from rotators.mysql_protocol.session import Session, login
from rotators.mysql_protocol.statement_failure import HISTORY, POLICY, Refusal, explained
from rotators.mysql_protocol.turns import LOCK, UNLOCK, Turn

_DOING = "changing the users"
_BACK = "taking the new password back"
_RETIRING = "retiring the old user's password"
_HINT = "the admin user needs more rights: GRANT CREATE USER ON *.*, and what it passes on WITH GRANT OPTION"
_PASSES = 5
"""Enough for every way in which one change brings about another; see `following`."""


class AlternatingUsersSteps(ABC, Generic[A]):
    """One attempt's steps. The admin's session of preflight is kept for the change, to spare a login."""

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
    def _shown(self, turns: Sequence[Turn[A]], rotation: Rotation) -> tuple[list[str], list[str]]:
        """As a plan shows them, with no password: the statements that make accounts, and those of `_give`."""

    # The verbs.

    @property
    def requirements(self) -> Requirements:
        """What the server asks of a new password, as far as preflight has seen it."""
        return Requirements() if self._server is None else requirements(self._server)

    def preflight(self, rotation: Rotation) -> Preflight:
        """Whether the two users can take turns; changes nothing."""
        current = self._parse(rotation, Candidate.CURRENT)
        found: list[Finding] = []
        try:
            admin = self._admin_secret(rotation)
            session = self._admin_session(rotation)
            server = self._server_of(session)
            found += server_findings(server, self.product, oldest=self.oldest)
            found += tls_findings(current, admin)
            if finding.refused(found):
                return _answer(found)
            pairs = self._pairs(session, rotation)
            compared = self._compare(session, pairs)
        except Misconfigured as wrong:
            return _answer([*found, finding.refusal(wrong.message, wrong.hint)])
        except Refusal as refused:
            remedy = f"GRANT SELECT ON mysql.* TO {self._admin_name()}"
            return _answer([*found, finding.refusal(refused.message, remedy)])
        found += self._findings(session, pairs, compared, rotation)
        if finding.refused(found):
            return _answer(found)
        found += self._current_findings(pairs, rotation)
        return _answer(found, self._planned(session, compared, rotation))

    def set_secret(self, rotation: Rotation) -> None:
        """Have the clone hold what the original does, then give the pending user its password."""
        if rotation.live is Candidate.PENDING:
            return
        pending = self._pending_of_other_user(rotation)
        session = self._session_for_change(rotation)
        pairs = self._follow(session, pending.username, rotation)
        turns = [
            turn
            for turn in _turns(pairs, pending.username)
            if turn.account is None
            or turn.account.locked
            or not self._has(turn.account, pending.password)
            or not self._fits(turn)
        ]
        if turns:
            lock = UNLOCK if pending.username == pairs.clone else ""
            self._send(
                session,
                rotation,
                self._give(turns, pending.password, rotation, lock=lock),
                doing=_DOING,
            )

    def test_secret(self, rotation: Rotation) -> None:
        """The new login is the expected account and holds what the old one does; the server checks passwords."""
        pending = self._pending_of_other_user(rotation)
        admin = self._admin_session(rotation)
        pairs = self._pairs(admin, rotation)
        session = self._prover.log_in(pending, rotation)
        try:
            self._check_identity(session, pairs, pending)
        finally:
            session.close()
        self._check_equal(admin, pairs)
        self._prover.insist_on_password(pending, rotation)
        current = self._parse(rotation, Candidate.CURRENT)
        if self._host_of_current is not None and self._prover.refused(current, rotation):
            raise TargetRefused(
                f'"{current.username}", the user in use, logged in before the change and is refused now',
                hint="nothing was changed about its password here: did somebody else?",
            )

    def probe(self, rotation: Rotation, candidate: Candidate) -> Proof:
        """Whether the candidate logs in, and a random password of its user doesn't.

        The catalogue is asked first, which costs no failed login. The pending value counts as accepted only where all
        accounts have it, so that a change that stopped halfway goes on.
        """
        secret = self._parse(rotation, candidate)
        session = self._admin_session(rotation)
        pairs = self._pairs(session, rotation)
        accounts = pairs.of(secret.username)
        accepting = [a for a in accounts if not a.locked and a.accepts(secret.password)]
        if candidate is Candidate.PENDING:
            given = [a for a in accepting if self._has(a, secret.password)]
            if not pairs.complete(secret.username) or len(given) < len(accounts):
                return Proof.REFUSED
        if not accepting:
            return Proof.REFUSED
        return self._prover.prove(secret, rotation)

    def log_in(self, rotation: Rotation, candidate: Candidate) -> Proof:
        """Whether the candidate logs in."""
        return self._prover.admit(self._parse(rotation, candidate), rotation)

    def revert_secret(self, rotation: Rotation) -> None:
        """Take the pending password back. The user in use is never touched.

        The pending user gets the password of the previous value where that is its own; else one that nobody knows,
        and a clone is locked until a rotation succeeds. A pending value of the user in use was not set by an
        alternating rotation, so there is nothing to take back.
        """
        pending = self._parse(rotation, Candidate.PENDING)
        if pending.username == self._parse(rotation, Candidate.CURRENT).username:
            return
        session = self._session_for_change(rotation)
        pairs = self._pairs(session, rotation)
        turns = [
            turn
            for turn in _turns(pairs, pending.username)
            if turn.account is not None and turn.account.accepts(pending.password)
        ]
        if not turns:
            return
        previous = self._previous_of(pending.username, rotation)
        if previous is not None:
            statements = self._give(turns, previous.password, rotation, lock="")
            try:
                self._send(session, rotation, statements, doing=_BACK)
            except Refusal as refusal:
                # A password history, or a stricter policy, doesn't take it again.
                if refusal.number not in (HISTORY, POLICY):
                    raise
            else:
                return
        lock = LOCK if pending.username == pairs.clone else ""
        self._disable(session, turns, rotation, lock=lock, doing=_BACK)

    def retire_secret(self, rotation: Rotation) -> None:
        """The old user gets a password that nobody knows, until its next turn; all else of it stays."""
        old = self._parse(rotation, Candidate.CURRENT)
        pending = self._pending_of_other_user(rotation)
        session = self._session_for_change(rotation)
        pairs = self._pairs(session, rotation)
        if not all(self._has(each, pending.password) for each in pairs.of(pending.username)):
            raise TargetRefused(
                f'an account of "{pending.username}" doesn\'t have the password in use, so the one of "{old.username}" '
                "was not taken; nothing was changed",
                hint="did somebody else change the account? SELECT user, host FROM mysql.user",
            )
        turns = [
            turn
            for turn in _turns(pairs, old.username)
            if turn.account is not None and turn.account.accepts(old.password)
        ]
        if turns:
            self._disable(session, turns, rotation, lock="", doing=_RETIRING)

    def end_older_sessions(self, rotation: Rotation) -> None:
        """End the admin's session that an older owner left open."""
        if fence.end_older_sessions(self._admin_session(rotation), rotation):
            self._prover.forget()

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
                    unknowable = self._unknowable(session)
                    statements.append(self._create(each.turn, unknowable, rotation))
            if not statements:
                return pairs
            self._send(session, rotation, statements, doing=_DOING)
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
        statements = self._give(turns, self._unknowable(session), rotation, lock=lock)
        self._send(session, rotation, statements, doing=doing)

    def _unknowable(self, session: Session) -> str:
        """A password that nobody gets to know."""
        return generate(PasswordPolicy(length=48), requirements(self._server_of(session)))

    def _planned(
        self, session: Session, compared: Sequence[Compared[A]], rotation: Rotation
    ) -> list[str]:
        pending = other_user(self._parse(rotation, Candidate.CURRENT).username, self.product)
        changes = []
        of_clone = compared[0].clone_user == pending
        for each in compared:
            turn = each.turn
            if each.have is None:
                changes += self._shown([turn], rotation)[0] if of_clone else []
            if each.have is not None or of_clone:
                changes += each.statements(mariadb=session.mariadb)
        turns = [each.turn if of_clone else each.turn_of_original for each in compared]
        return changes + self._shown(turns, rotation)[1]

    def _findings(
        self,
        session: Session,
        pairs: Pairs[A],
        compared: Sequence[Compared[A]],
        rotation: Rotation,
    ) -> Iterator[Finding]:
        admin = self._admin_name()
        current = self._parse(rotation, Candidate.CURRENT).username
        yield from account_findings.admin_findings(own_grants(session), admin=admin)
        for user in (pairs.original, pairs.clone):
            for each in pairs.of(user):
                yield from account_findings.privilege_findings(
                    read_grants(session, each), name=each.name, allowed=rotation.allow_privileged
                )
        yield from self._judge(pairs, self._server_of(session), rotation)
        named = {self._parse(rotation, c).username for c in rotation.values if c != "pending"}
        passwords = [self._parse(rotation, c) for c in rotation.values]
        yield from clone_findings.clone_findings(
            pairs, compared, named=pairs.clone in named, secrets=passwords
        )
        yield from clone_findings.following_findings(
            compared, self._admins(session), admin=admin, clone_in_use=current == pairs.clone
        )
        yield from clone_findings.definer_findings(
            read_defined(session, pairs.clone), clone=pairs.clone, original=pairs.original
        )
        yield from account_findings.other_accounts(pairs.others)

    def _current_findings(self, pairs: Pairs[A], rotation: Rotation) -> Iterator[Finding]:
        current = self._parse(rotation, Candidate.CURRENT)
        known = any(
            each.accepts(current.password) and not each.locked
            for each in pairs.of(current.username)
        )
        try:
            own = self._prover.log_in(current, rotation) if known else None
        except LoginRefused:
            own = None
        if own is None:
            yield finding.warning(
                f'the stored password of "{current.username}" does not log in from here, so clients that use it fail '
                "already; the other user takes over all the same"
            )
            return
        with explained("reading who the session is"):
            self._host_of_current = split_account(str(own.run("SELECT CURRENT_USER()")[0][0]))[1]
        own.close()

    def _check_identity(self, session: Session, pairs: Pairs[A], pending: MysqlSecret) -> None:
        with explained("reading who the session is"):
            user, host = split_account(str(session.run("SELECT CURRENT_USER()")[0][0]))
        hosts = {self._host_of_current} if self._host_of_current is not None else {
            pair.original.host for pair in pairs.chosen
        }  # fmt: skip
        if user != pending.username or host not in hosts:
            expected = " or ".join(account(pending.username, each) for each in sorted(hosts))
            raise TargetRefused(
                f'the new password of "{pending.username}" logs in to the account {account(user, host)} instead of '
                f"{expected}",
                hint="compare the accounts of both users: SELECT user, host FROM mysql.user",
            )

    def _check_equal(self, admin: Session, pairs: Pairs[A]) -> None:
        for each in self._compare(admin, pairs):
            differing = list(each.differences())
            if differing:
                raise TargetRefused(
                    f"the account {each.clone_name} is not the same as {each.pair.original.name}: "
                    + "; ".join(differing),
                    hint="it was changed meanwhile; the next attempt has the clone follow again",
                )


def _turns(pairs: Pairs[A], user: str) -> list[Turn[A]]:
    if user == pairs.original:
        return [
            Turn(name=pair.original.name, model=pair.original, clone=False, account=pair.original)
            for pair in pairs.chosen
        ]
    return [
        Turn(name=pairs.clone_name(pair), model=pair.original, clone=True, account=pair.clone)
        for pair in pairs.chosen
    ]


def _answer(found: Sequence[Finding], changes: Sequence[str] = ()) -> Preflight:
    return Preflight(overlap=Overlap.ALTERNATING, findings=tuple(found), changes=tuple(changes))
