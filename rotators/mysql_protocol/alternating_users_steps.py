"""What the alternating-users rotators of MySQL and MariaDB do alike on the target.

Each statement is committed by itself, so the order is what makes an interruption harmless: a new clone is made locked
and with a password that nobody knows, then it gets what the original holds, and its password and the right to log in
at the very end. What is done already is told by the catalogue, so a step that was interrupted goes on.
"""

from collections.abc import Iterator, Sequence

from rotator.sdk import (
    Candidate,
    Finding,
    LoginRefused,
    Misconfigured,
    Overlap,
    Preflight,
    Proof,
    Rotation,
    TargetRefused,
    Use,
)
from rotators.databases import finding
from rotators.mysql_protocol import account_findings, clone_findings, fence
from rotators.mysql_protocol.accounts import A
from rotators.mysql_protocol.comparison import Compared, read_grants
from rotators.mysql_protocol.definers import read_defined
from rotators.mysql_protocol.grants import own_grants
from rotators.mysql_protocol.pairs import Pairs, other_user
from rotators.mysql_protocol.policy import Requirements, requirements
from rotators.mysql_protocol.quoting import account, split_account
from rotators.mysql_protocol.secret import MysqlSecret
from rotators.mysql_protocol.server import server_findings, tls_findings
from rotators.mysql_protocol.session import Session
from rotators.mysql_protocol.statement_failure import (
    HISTORY,
    POLICY,
    Refusal,
    explained,
    password_refused,
)
from rotators.mysql_protocol.turns import LOCK, UNLOCK
from rotators.mysql_protocol.two_users import DOING, TwoUsers, leftover_turns, turns_of
from rotators.mysql_protocol.use import check_decidable, end_sessions, sessions_of

_BACK = "taking the new password back"
_RETIRING = "retiring the old user's password"


class AlternatingUsersSteps(TwoUsers[A]):
    """One attempt's steps. The admin's session of preflight is kept for the change, to spare a login."""

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
        return _answer(found, self._planned(session, pairs, compared, rotation))

    def set_secret(self, rotation: Rotation) -> None:
        """Have the clone hold what the original does, then give the pending user its password."""
        if rotation.live is Candidate.PENDING:
            return
        pending = self._pending_of_other_user(rotation)
        session = self._session_for_change(rotation)
        try:
            self._set_pending(session, pending, rotation)
        except Refusal as refusal:
            if refusal.number != POLICY or not self._sees_passwords(rotation):
                raise
            accounts = self._pairs(session, rotation).of(pending.username)
            if any(each.accepts(pending.password) for each in accounts):
                raise  # the others get it too, or none keeps it
            raise password_refused(refusal) from None

    def _set_pending(self, session: Session, pending: MysqlSecret, rotation: Rotation) -> None:
        pairs = self._follow(session, pending.username, rotation)
        stale = self._stale_turns(pairs, pending.username, rotation)
        if stale:
            self._disable(session, stale, rotation, lock="", doing=DOING)
        turns = [
            turn
            for turn in turns_of(pairs, pending.username)
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
                doing=DOING,
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
            for turn in turns_of(pairs, pending.username)
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
            for turn in (*turns_of(pairs, old.username), *leftover_turns(pairs, old.username))
            if turn.account is not None and turn.account.accepts(old.password)
        ]
        if turns:
            self._disable(session, turns, rotation, lock="", doing=_RETIRING)

    def in_use(self, rotation: Rotation) -> tuple[Use, ...]:
        """Who is still logged in as the old user."""
        session = self._admin_session(rotation)
        old = self._old_user(rotation)
        check_decidable(old, self._pairs(session, rotation).strangers(old))
        admin = self._server_of(session).account_name
        return sessions_of(session, old, grants=own_grants(session), admin=admin)

    def end_use(self, rotation: Rotation, uses: Sequence[Use]) -> None:
        """End those sessions."""
        session = self._admin_session(rotation)
        admin = self._server_of(session).account_name
        end_sessions(session, rotation, self._old_user(rotation), uses, admin=admin)

    def end_older_sessions(self, rotation: Rotation) -> None:
        """End the admin's session that an older owner left open."""
        if fence.end_older_sessions(self._admin_session(rotation), rotation):
            self._prover.forget()

    # What they are made of.

    def _planned(
        self,
        session: Session,
        pairs: Pairs[A],
        compared: Sequence[Compared[A]],
        rotation: Rotation,
    ) -> list[str]:
        pending = other_user(self._parse(rotation, Candidate.CURRENT).username, self.product)
        changes = []
        of_clone = compared[0].clone_user == pending
        for each in compared:
            turn = each.turn
            if each.have is None:
                changes += self._shown([turn], rotation).made if of_clone else []
            if each.have is not None or of_clone:
                changes += each.statements(mariadb=session.mariadb)
        turns = [each.turn if of_clone else each.turn_of_original for each in compared]
        stale = self._stale_turns(pairs, pending, rotation)
        if stale:
            changes += self._shown(stale, rotation).disabled
        return changes + self._shown(turns, rotation).given

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


def _answer(found: Sequence[Finding], changes: Sequence[str] = ()) -> Preflight:
    return Preflight(overlap=Overlap.ALTERNATING, findings=tuple(found), changes=tuple(changes))
