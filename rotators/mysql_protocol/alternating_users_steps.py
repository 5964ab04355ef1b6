"""What the alternating-users rotators of MySQL and MariaDB do alike on the target.

Each statement is committed by itself, so the order is what makes an interruption harmless: a new clone is made locked
and with a password that nobody knows, then it gets what the original holds, and its password and the right to log in
at the very end. What is done already is told by the catalogue, so a step that was interrupted goes on.
"""

from collections.abc import Sequence

from rotator.sdk import (
    Candidate,
    Proof,
    Rotation,
    TargetRefused,
    Use,
)
from rotators.mysql_protocol import fence
from rotators.mysql_protocol.accounts import A
from rotators.mysql_protocol.grants import own_grants
from rotators.mysql_protocol.pairs import Pairs
from rotators.mysql_protocol.quoting import account, split_account
from rotators.mysql_protocol.secret import MysqlSecret
from rotators.mysql_protocol.session import Session
from rotators.mysql_protocol.statement_failure import (
    HISTORY,
    POLICY,
    Refusal,
    explained,
    password_refused,
)
from rotators.mysql_protocol.turns import LOCK, UNLOCK
from rotators.mysql_protocol.two_users import DOING, leftover_turns, turns_of
from rotators.mysql_protocol.two_users_preflight import TwoUsersPreflight
from rotators.mysql_protocol.use import check_decidable, end_sessions, sessions_of

_BACK = "taking the new password back"
_RETIRING = "retiring the old user's password"


class AlternatingUsersSteps(TwoUsersPreflight[A]):
    """One attempt's steps. The admin's session of preflight is kept for the change, to spare a login."""

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
