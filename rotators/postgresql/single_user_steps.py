"""The steps of `postgresql-single-user` on the target."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rotator.sdk import (
    Candidate,
    Finding,
    LoginRefused,
    Misconfigured,
    Overlap,
    Preflight,
    Proof,
    Rotation,
    SecretValue,
    TargetRefused,
    Use,
)
from rotators.databases import finding
from rotators.databases.credential import by_whichever
from rotators.databases.kept_session import KeptSession
from rotators.postgresql import change, findings
from rotators.postgresql.admin import admin_secret
from rotators.postgresql.catalogue import Role, Roles, read_roles
from rotators.postgresql.credential import Prover
from rotators.postgresql.expiry import certain
from rotators.postgresql.identity import read_identity
from rotators.postgresql.login import log_in
from rotators.postgresql.older_sessions import end_older_sessions
from rotators.postgresql.quoting import identifier
from rotators.postgresql.secret import DatabaseSecret, parse
from rotators.postgresql.session import Session
from rotators.postgresql.use import end_sessions, sessions_of

_DOING = "changing the password"
_HINT = "name an admin secret in masterarn that may change this role"


@dataclass(frozen=True, slots=True)
class _Before:
    """What preflight saw of the role. Its memberships and grants hang on its oid."""

    oid: int
    current_user: str | None


class SingleUserSteps:
    """One attempt's steps. The session of preflight is kept for the change, to spare a login."""

    def __init__(self) -> None:
        self._prover = Prover()
        self._kept = KeptSession[Session]()
        self._before: _Before | None = None
        self._credentials: dict[Candidate, tuple[SecretValue, DatabaseSecret]] = {}

    def preflight(self, rotation: Rotation) -> Preflight:
        """Whether the password can be changed; nothing is."""
        live = self._credential(rotation, rotation.live)
        found: list[Finding] = []
        if rotation.require_overlap:
            found.append(_no_overlap())
        if rotation.admin is not None:
            try:
                _admin_of(live, rotation)
            except Misconfigured as wrong:
                found.append(finding.refusal(wrong.message, wrong.hint))
                return Preflight(overlap=Overlap.GAP, findings=tuple(found))
        session = self._session_for_change(rotation)
        roles = read_roles(session, live.username)
        found += findings.server_findings(roles, standby=session.on_standby)
        admins = () if rotation.admin is None else (_admin_of(live, rotation),)
        found += findings.tls_findings(live, *admins, trust=rotation.trust)
        found += _role_findings(roles, live.username, rotation)
        role = roles.get(live.username)
        if role is not None:
            acting = roles.acting.name if rotation.admin is None else None
            self._before = _Before(role.oid, acting)
        if rotation.admin is not None and not finding.refused(found):
            found += self._live_findings(live, role, rotation)
        name = identifier(live.username)
        line = f"ALTER ROLE {name} PASSWORD '<SCRAM-SHA-256 verifier of the new password>'"
        return Preflight(overlap=Overlap.GAP, findings=tuple(found), changes=(line,))

    def set_secret(self, rotation: Rotation) -> None:
        """Give the role the pending password."""
        if rotation.live is Candidate.PENDING:
            return
        pending = self._credential(rotation, Candidate.PENDING)
        try:
            session = self._session_for_change(rotation)
        except LoginRefused:
            # An earlier call, whose answer was lost, may have done it.
            if self._prover.refused(pending, rotation):
                raise
            return
        self._change_password(session, pending, rotation)

    def test_secret(self, rotation: Rotation) -> None:
        """The new password logs in, as the same role, and the old one is refused."""
        pending = self._credential(rotation, Candidate.PENDING)
        current = self._credential(rotation, Candidate.CURRENT)
        # A test without a rotation has no old password that could be refused.
        rotated = (current.username, current.password) != (pending.username, pending.password)
        if rotated:
            self._prover.begin(current, rotation)
        try:
            self._test_pending(pending, rotation)
            if rotated:
                self._insist_on_refusal(current, rotation)
            else:
                self._prover.insist_on_password(pending, rotation)
        finally:
            self._prover.give_up_begun()

    def _test_pending(self, pending: DatabaseSecret, rotation: Rotation) -> None:
        session = self._test_session(pending, rotation)
        try:
            self._check_identity(session, pending)
        finally:
            session.close()

    def _insist_on_refusal(self, current: DatabaseSecret, rotation: Rotation) -> None:
        if not self._prover.refused(current, rotation):
            raise Misconfigured(
                f'the server still takes the old password of "{current.username}" after the new '
                "one was set: it doesn't check the role's own password",
                hint="pg_hba.conf has the user checked elsewhere (ldap, radius, pam …): change the "
                "password there, or give the user a line with scram-sha-256",
            )

    def probe(self, rotation: Rotation, candidate: Candidate) -> Proof:
        """Whether the candidate logs in, and a random password doesn't."""
        return self._prover.prove(self._credential(rotation, candidate), rotation)

    def log_in(self, rotation: Rotation, candidate: Candidate) -> Proof:
        """Whether the candidate logs in."""
        return self._prover.admit(self._credential(rotation, candidate), rotation)

    def revert_secret(self, rotation: Rotation) -> None:
        """Give the role the current password again, unless that is the one that logs in."""
        if rotation.live is Candidate.CURRENT:
            return
        current = self._credential(rotation, Candidate.CURRENT)
        try:
            session = self._session_for_change(rotation)
        except LoginRefused:
            if self._prover.refused(current, rotation):
                raise
            return
        self._change_password(session, current, rotation)

    def retire_secret(self, rotation: Rotation) -> None:
        """Nothing is left of the old password: it died as the new one was set."""

    def in_use(self, rotation: Rotation) -> tuple[Use, ...]:
        """The role's sessions. No session tells which password opened it, so those by the new one are among them."""
        user = self._credential(rotation, Candidate.CURRENT).username
        session = self._session_for_change(rotation)
        return sessions_of(session, user, own=self._prover.opened)

    def end_use(self, rotation: Rotation, uses: Sequence[Use]) -> None:
        """End those sessions; a role may end its own, whatever role its settings have it act as."""
        user = self._credential(rotation, Candidate.CURRENT).username
        session = self._session_for_change(rotation)
        if rotation.admin is None:
            session.execute("SET ROLE NONE")
        try:
            end_sessions(session, rotation, user, uses)
        finally:
            self.close()

    def end_older_sessions(self, rotation: Rotation) -> None:
        """End what older owners left open; before an admin was named, the role's own sessions made the changes."""
        if rotation.admin is not None:
            end_older_sessions(self._session_for_change(rotation), rotation)
            return
        session = self._any_session(rotation)
        try:
            if end_older_sessions(session, rotation):
                # One of them may have changed the password after it was refused.
                self._prover.forget()
        finally:
            session.close()

    def close(self) -> None:
        """End the kept session."""
        self._kept.close()

    def _credential(self, rotation: Rotation, candidate: Candidate) -> DatabaseSecret:
        value = rotation.value(candidate)
        known = self._credentials.get(candidate)
        if known is None or known[0] is not value:
            known = self._credentials[candidate] = (value, parse(value))
        return known[1]

    def _session_for_change(self, rotation: Rotation) -> Session:
        secret = self._credential(rotation, rotation.live)
        return self._kept.get(
            rotation,
            as_admin=lambda: log_in(_admin_of(secret, rotation), rotation, admin=True),
            as_live=lambda: self._prover.log_in(secret, rotation),
        )

    def _any_session(self, rotation: Rotation) -> Session:
        return by_whichever(
            rotation,
            lambda each: self._prover.log_in(self._credential(rotation, each), rotation),
        )

    def _change_password(
        self, session: Session, secret: DatabaseSecret, rotation: Rotation
    ) -> None:
        verifier, keys = change.verifier(session, user=secret.username, password=secret.password)
        statement = change.set_password(secret.username, verifier)
        # An admin may hold its rights only as the role that its own settings have it act as.
        if rotation.admin is None:
            statement = change.as_logged_in(statement)
        self._prover.forget()
        change.run(session, rotation, (statement,), doing=_DOING, hint=_HINT)
        if keys is not None:
            self._prover.was_given(secret, keys)
        # A role may have few connections, and testSecret needs one.
        self.close()

    def _test_session(self, pending: DatabaseSecret, rotation: Rotation) -> Session:
        try:
            return self._prover.log_in(pending, rotation)
        except LoginRefused as refusal:
            if rotation.admin is None:
                raise
            admin = self._session_for_change(rotation)
            raise certain(refusal, username=pending.username, admin=admin) from None

    def _check_identity(self, session: Session, secret: DatabaseSecret) -> None:
        identity = read_identity(session)
        before = self._before
        if identity.session_user != secret.username or (before and identity.oid != before.oid):
            raise TargetRefused(
                f'the new password logs in as another role than "{secret.username}" was before',
                hint="was the role dropped and made again meanwhile? start the rotation again",
            )
        if before and before.current_user not in (None, identity.current_user):
            raise TargetRefused(
                f'"{secret.username}" acted as "{before.current_user}" with the old password and '
                f'acts as "{identity.current_user}" with the new one',
                hint="compare the role's memberships and its setting role: pg_db_role_setting",
            )
        if not identity.may_connect:
            raise TargetRefused(
                f'"{identity.current_user}" lost CONNECT on the database "{identity.database}"',
                hint=f"GRANT CONNECT ON DATABASE {identifier(identity.database)} "
                f"TO {identifier(identity.current_user)}",
            )

    def _live_findings(
        self, live: DatabaseSecret, role: Role | None, rotation: Rotation
    ) -> Iterator[Finding]:
        if self._prover.refused(live, rotation):
            yield findings.refused_login(
                live.username, role, so="the admin secret can set the new one all the same"
            )


def _admin_of(secret: DatabaseSecret, rotation: Rotation) -> DatabaseSecret:
    """The admin's credential, which has to be another role's: a rotation would leave it with the old password."""
    admin = admin_secret(rotation, secret)
    if admin.username == secret.username:
        raise Misconfigured(
            f'the admin secret is for "{admin.username}", the role whose password changes, and would hold the old '
            "password after it",
            hint="name the secret of another role in masterarn, or none: the role can change its own password",
        )
    return admin


def _no_overlap() -> Finding:
    return finding.refusal(
        "a PostgreSQL role has one password, so the old one is refused from the change on, and "
        "this rotation requires an overlap",
        "use the rotator postgresql-alternating-users, or let the rotation do without an overlap",
    )


def _role_findings(roles: Roles, username: str, rotation: Rotation) -> Iterator[Finding]:
    role = roles.get(username)
    if role is None:
        yield findings.missing_role(username)
        return
    yield from findings.privilege_findings(role, allowed=rotation.allow_privileged)
    yield from findings.login_findings(role)
    if rotation.admin is not None:
        yield from findings.administration_findings(roles, role)
    elif role.attributes.replication and not role.attributes.superuser and roles.version < 160000:
        yield finding.refusal(
            f'"{username}" has REPLICATION and can\'t change its own password before PostgreSQL 16',
            "name a superuser's secret in masterarn",
        )
