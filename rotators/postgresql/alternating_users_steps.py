"""The steps of `postgresql-alternating-users` on the target."""

from collections.abc import Iterator, Sequence

from psycopg import sql

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
from rotators.postgresql import change, findings
from rotators.postgresql.admin import admin_secret
from rotators.postgresql.catalogue import read_roles
from rotators.postgresql.clone_facts import CloneFacts, read_clone_facts
from rotators.postgresql.clone_findings import clone_findings
from rotators.postgresql.clone_plan import ClonePlan, plan_clone
from rotators.postgresql.clone_test import check_clone_session
from rotators.postgresql.credential import Prover
from rotators.postgresql.expiry import certain
from rotators.postgresql.hba import hba_findings, read_hba
from rotators.postgresql.login import log_in
from rotators.postgresql.older_sessions import end_older_sessions
from rotators.postgresql.quoting import identifier
from rotators.postgresql.secret import DatabaseSecret, other_user, parse, user_pair
from rotators.postgresql.session import Session
from rotators.postgresql.use import end_sessions, sessions_of

_SHOWN_VERIFIER = sql.Literal("<SCRAM-SHA-256 verifier of the new password>")
_DOING = "changing the roles"


class AlternatingUsersSteps:
    """One attempt's steps. The admin's session of preflight is kept for the change, to spare a login."""

    def __init__(self) -> None:
        self._prover = Prover()
        self._admin: Session | None = None
        self._current_logs_in = False

    def preflight(self, rotation: Rotation) -> Preflight:
        """Whether the two users can take turns; changes nothing."""
        current = parse(rotation.value(Candidate.CURRENT))
        original, clone = user_pair(current.username)
        try:
            session = self._admin_session(rotation)
        except Misconfigured as wrong:
            refusal = finding.refusal(wrong.message, wrong.hint)
            return Preflight(overlap=Overlap.ALTERNATING, findings=(refusal,))
        facts = read_clone_facts(session, original, clone)
        found = [
            *findings.server_findings(facts.roles, standby=session.on_standby),
            *findings.tls_findings(current, admin_secret(rotation, current), trust=rotation.trust),
            *clone_findings(facts, rotation, database=current.dbname),
            *hba_findings(read_hba(session), facts, database=current.dbname),
        ]
        if finding.refused(found):
            return Preflight(overlap=Overlap.ALTERNATING, findings=tuple(found))
        found += self._current_findings(current, facts, rotation)
        plan = _plan(facts, other_user(current.username), _SHOWN_VERIFIER)
        missing = (
            _not_permitted(facts, statement.as_string(session)) for statement in plan.not_permitted
        )
        return Preflight(
            overlap=Overlap.ALTERNATING,
            findings=(*found, *missing),
            changes=tuple(statement.as_string(session) for statement in plan.statements),
        )

    def set_secret(self, rotation: Rotation) -> None:
        """Give the pending user its password and, where that is the clone, all that the original has."""
        if rotation.live is Candidate.PENDING:
            return
        pending = _pending_of_other_user(rotation)
        session = self._admin_session(rotation)
        verifier, _ = change.verifier(session, user=pending.username, password=pending.password)
        self._prover.forget()
        with change.transaction(session, rotation):
            facts = read_clone_facts(session, *user_pair(pending.username))
            if facts.roles.get(facts.original) is None:
                raise TargetRefused(f'there is no role "{facts.original}"')
            plan = _plan(facts, pending.username, verifier)
            change.commit(session, rotation, plan.statements, doing=_DOING, hint=_hint(facts))

    def test_secret(self, rotation: Rotation) -> None:
        """The new login acts as the original and can do what it can; the server checks passwords."""
        pending = _pending_of_other_user(rotation)
        session = self._test_session(pending, rotation)
        try:
            check_clone_session(session, pending)
        finally:
            session.close()
        self._prover.insist_on_password(pending, rotation)
        current = parse(rotation.value(Candidate.CURRENT))
        if self._current_logs_in and self._prover.refused(current, rotation):
            raise TargetRefused(
                f'"{current.username}", the user in use, logged in before the change and is refused now',
                hint="nothing was changed about it here: did somebody else?",
            )

    def probe(self, rotation: Rotation, candidate: Candidate) -> Proof:
        """Whether the candidate logs in, and a random password of its user doesn't."""
        return self._prover.prove(parse(rotation.value(candidate)), rotation)

    def log_in(self, rotation: Rotation, candidate: Candidate) -> Proof:
        """Whether the candidate logs in."""
        return self._prover.admit(parse(rotation.value(candidate)), rotation)

    def revert_secret(self, rotation: Rotation) -> None:
        """Take the pending password back. The user in use is never touched.

        The pending user gets the password of the previous value where that is its own; else its password is disabled,
        and a clone may not log in until a rotation succeeds. A pending value of the user in use was not set by an
        alternating rotation, so there is nothing to take back.
        """
        user = parse(rotation.value(Candidate.PENDING)).username
        if user == parse(rotation.value(Candidate.CURRENT)).username:
            return
        session = self._admin_session(rotation)
        if read_roles(session, user).get(user) is None:
            return
        previous = _previous_of(user, rotation)
        if previous is not None:
            verifier, _ = change.verifier(session, user=user, password=previous.password)
            statement = change.set_password(user, verifier)
        elif user == user_pair(user)[1]:
            statement = sql.SQL("ALTER ROLE {} NOLOGIN PASSWORD NULL").format(sql.Identifier(user))
        else:
            statement = sql.SQL("ALTER ROLE {} PASSWORD NULL").format(sql.Identifier(user))
        self._prover.forget()
        change.run(session, rotation, [statement], doing="taking the new password back")

    def retire_secret(self, rotation: Rotation) -> None:
        """Disable the old user's password. The role keeps all else, for the clone acts as it, and for its next turn.

        Raises:
            Misconfigured: both values are of one user.
        """
        old = self._old_user(rotation)
        session = self._admin_session(rotation)
        if read_roles(session, old).get(old) is None:
            return
        statement = sql.SQL("ALTER ROLE {} PASSWORD NULL").format(sql.Identifier(old))
        self._prover.forget()
        change.run(session, rotation, [statement], doing="disabling the old user's password")

    def in_use(self, rotation: Rotation) -> tuple[Use, ...]:
        """Who is still logged in as the old user."""
        admin = self._admin_session(rotation)
        return sessions_of(admin, self._old_user(rotation), own=self._prover.opened)

    def end_use(self, rotation: Rotation, uses: Sequence[Use]) -> None:
        """End those sessions."""
        end_sessions(self._admin_session(rotation), rotation, self._old_user(rotation), uses)

    def end_older_sessions(self, rotation: Rotation) -> None:
        """End what older owners left open; idle sessions of the users themselves only tested a login."""
        current = parse(rotation.value(Candidate.CURRENT))
        admin = self._admin_session(rotation)
        if end_older_sessions(admin, rotation, test_users=user_pair(current.username)):
            self._prover.forget()

    def close(self) -> None:
        """End the admin's session."""
        if self._admin is not None:
            self._admin.close()
            self._admin = None

    @staticmethod
    def _old_user(rotation: Rotation) -> str:
        _pending_of_other_user(rotation)
        return parse(rotation.value(Candidate.CURRENT)).username

    def _admin_session(self, rotation: Rotation) -> Session:
        if self._admin is not None and self._admin.usable:
            self._admin.deadline = rotation.deadline
            return self._admin
        self.close()
        current = parse(rotation.value(Candidate.CURRENT))
        admin = admin_secret(rotation, current)
        if admin.username in user_pair(current.username):
            raise Misconfigured(
                f'the admin secret is for "{admin.username}", one of the users that take turns',
                hint="name the secret of another role in masterarn",
            )
        self._admin = log_in(admin, rotation, admin=True)
        return self._admin

    def _test_session(self, pending: DatabaseSecret, rotation: Rotation) -> Session:
        try:
            return self._prover.log_in(pending, rotation)
        except LoginRefused as refusal:
            admin = self._admin_session(rotation)
            raise certain(refusal, username=pending.username, admin=admin) from None

    def _current_findings(
        self, current: DatabaseSecret, facts: CloneFacts, rotation: Rotation
    ) -> Iterator[Finding]:
        try:
            self._prover.log_in(current, rotation).close()
        except LoginRefused:
            role = facts.roles.get(current.username)
            so = "clients that use it fail already"
            yield findings.refused_login(current.username, role, so=so)
        else:
            self._current_logs_in = True


def _pending_of_other_user(rotation: Rotation) -> DatabaseSecret:
    """The pending value, which has to be of the user that isn't in use."""
    pending = parse(rotation.value(Candidate.PENDING))
    if pending.username == parse(rotation.value(Candidate.CURRENT)).username:
        raise Misconfigured(
            f'AWSPENDING holds the same user as AWSCURRENT, "{pending.username}", so it isn\'t of an '
            "alternating rotation",
            hint="give that rotation up with `rotate abort`, then start a new one",
        )
    return pending


def _hint(facts: CloneFacts) -> str:
    admin = identifier(facts.roles.acting.name)
    grant = f"GRANT {identifier(facts.original)} TO {admin} WITH ADMIN OPTION"
    return f"the admin user needs more rights: ALTER ROLE {admin} CREATEROLE; {grant}"


def _plan(facts: CloneFacts, user: str, verifier: sql.Literal) -> ClonePlan:
    if user == facts.clone:
        return plan_clone(facts, verifier)
    return ClonePlan(statements=(change.set_password(user, verifier),), not_permitted=())


def _not_permitted(facts: CloneFacts, statement: str) -> Finding:
    return finding.warning(
        f'the clone "{facts.clone}" differs from the original in something that the admin user '
        f'"{facts.roles.acting.name}" may not change',
        f"as a superuser: {statement}",
    )


def _previous_of(user: str, rotation: Rotation) -> DatabaseSecret | None:
    if Candidate.PREVIOUS not in rotation.values:
        return None
    previous = parse(rotation.value(Candidate.PREVIOUS))
    return previous if previous.username == user else None
