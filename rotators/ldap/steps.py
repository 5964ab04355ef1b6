"""The steps of `openldap-password` on the target.

The new password is a second value of userPassword, given as a hash, so that no clear text is in the directory, its logs
and its replicas; both bind. Each change is one operation, which the server makes as a whole or not at all. A session
that may not read userPassword changes it all the same: the hash that it added it can compute again.

Servers know no fencing and list no sessions to ordinary users. The only change of an older owner that can still come is
one that was on its way, since each checks its deadline right before it sends one.
"""

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
)
from rotators.databases import finding
from rotators.databases.admin import check_server
from rotators.ldap.credential import Prover
from rotators.ldap.driver import ldap3
from rotators.ldap.entry import Entry, read_entry
from rotators.ldap.failure import (
    NO_SUCH_ATTRIBUTE,
    SUCCESS,
    VALUE_EXISTS,
)
from rotators.ldap.findings import right_findings, tls_findings, value_findings
from rotators.ldap.hashes import hashed, salt_of
from rotators.ldap.policies import policy_findings, read_policies
from rotators.ldap.secret import LdapSecret, parse
from rotators.ldap.session import Modification, Session, bind

_ADDING = "adding the new password"
_BACK = "taking the new password away again"
_RETIRING = "retiring the old password"


class LdapSteps:
    """One attempt's steps; each verb binds anew."""

    def __init__(self) -> None:
        self._prover = Prover()
        self._current_logged_in = False

    # The verbs.

    def preflight(self, rotation: Rotation) -> Preflight:
        """Whether the password can be changed; nothing is."""
        live = parse(rotation.value(rotation.live))
        found = tls_findings(live)
        try:
            session = self._changer(rotation)
        except Misconfigured as wrong:
            return _preflight([finding.refusal(wrong.message, wrong.hint)])
        try:
            entry = read_entry(session, live.username)
            found.append(finding.ok(f"reached {live.address} and bound as {session.attempt.who}"))
            found += policy_findings(
                read_policies(session), entry, by_admin=rotation.admin is not None
            )
            found += right_findings(session, live.username)
            found += value_findings(entry, live, rotation)
        finally:
            session.close()
        self._current_logged_in = rotation.live is Candidate.CURRENT and (
            rotation.admin is None or bool(entry.of(live.password))
        )
        scheme = rotation.settings.scheme
        return _preflight(
            found, f"{live.username}: add userPassword {{{scheme}}}<hash of the new password>"
        )

    def set_secret(self, rotation: Rotation) -> None:
        """Add the pending password; what a rotation that was never retired has left is taken away."""
        pending = parse(rotation.value(Candidate.PENDING))
        current = parse(rotation.value(Candidate.CURRENT))
        session = self._changer(rotation)
        try:
            entry = read_entry(session, pending.username)
            known = {*entry.of(pending.password), *entry.of(current.password)}
            left_over = tuple(set(_left_over(entry, rotation)) - known)
            changes = []
            if not entry.of(pending.password):
                changes.append(Modification(ldap3.MODIFY_ADD, (self._new_value(rotation),)))
            if left_over:
                changes.append(Modification(ldap3.MODIFY_DELETE, left_over))
            self._change(session, rotation, changes, doing=_ADDING, settled=VALUE_EXISTS)
        finally:
            session.close()

    def test_secret(self, rotation: Rotation) -> None:
        """The new password binds and sees the directory; the old one still binds."""
        pending = parse(rotation.value(Candidate.PENDING))
        current = parse(rotation.value(Candidate.CURRENT))
        session = self._prover.log_in(pending, rotation)
        try:
            session.read(pending.username, ["1.1"])
        finally:
            session.close()
        self._prover.insist_on_password(pending, rotation)
        if self._current_logged_in and self._prover.refused(current, rotation):
            raise TargetRefused(
                f'the old password of "{current.username}" bound before the change and is refused now, although both '
                "should be valid",
                hint="did somebody else change the entry just now, or does an overlay keep one value only?",
            )

    def probe(self, rotation: Rotation, candidate: Candidate) -> Proof:
        """Whether the candidate binds, and a random password doesn't; a failed bind is spared where the entry tells."""
        secret = parse(rotation.value(candidate))
        try:
            session = self._changer(rotation)
        except LoginRefused:
            return self._prover.prove(secret, rotation)
        try:
            refused = read_entry(session, secret.username).refuses(secret.password)
        finally:
            session.close()
        return Proof.REFUSED if refused else self._prover.prove(secret, rotation)

    def log_in(self, rotation: Rotation, candidate: Candidate) -> Proof:
        """Whether the candidate binds."""
        return self._prover.admit(parse(rotation.value(candidate)), rotation)

    def revert_secret(self, rotation: Rotation) -> None:
        """Take the pending password away, and give the current one back if it is gone."""
        pending = parse(rotation.value(Candidate.PENDING))
        current = parse(rotation.value(Candidate.CURRENT))
        session = self._changer(rotation)
        try:
            entry = read_entry(session, pending.username)
            kept = (
                entry.of(current.password)
                or self._prover.admit(current, rotation) is Proof.ACCEPTED
            )
            changes = []
            if not kept:
                salt = salt_of(rotation.token + " current")
                value = hashed(current.password, scheme=rotation.settings.scheme, salt=salt)
                changes.append(Modification(ldap3.MODIFY_ADD, (value,)))
            if values := self._given(entry, pending.password, rotation):
                changes.append(Modification(ldap3.MODIFY_DELETE, values))
            self._change(session, rotation, changes, doing=_BACK, settled=NO_SUCH_ATTRIBUTE)
        finally:
            session.close()

    def retire_secret(self, rotation: Rotation) -> None:
        """Take the current password, which the pending one has replaced, from the entry."""
        pending = parse(rotation.value(Candidate.PENDING))
        current = parse(rotation.value(Candidate.CURRENT))
        if current.password == pending.password:
            return
        session = self._changer(rotation)
        try:
            entry = read_entry(session, pending.username)
            change = self._retirement(entry, current, pending, rotation)
            changes = [] if change is None else [change]
            self._change(session, rotation, changes, doing=_RETIRING, settled=NO_SUCH_ATTRIBUTE)
        finally:
            session.close()

    def end_older_sessions(self, rotation: Rotation) -> None:
        """There is nothing to end: see the module."""

    def close(self) -> None:
        """Nothing is kept open."""

    # What they are made of.

    def _changer(self, rotation: Rotation) -> Session:
        """A session of whoever changes the entry."""
        live = parse(rotation.value(rotation.live))
        if rotation.admin is None:
            return bind(live, rotation)
        admin = parse(rotation.admin)
        check_server(admin, live, rotation)
        if admin.username.lower() == live.username.lower():
            raise Misconfigured(
                f'the admin secret is for "{admin.username}", the entry whose password changes',
                hint="name the secret of another entry in masterarn, or none",
            )
        return bind(admin, rotation, admin=True)

    def _change(
        self,
        session: Session,
        rotation: Rotation,
        changes: list[Modification],
        *,
        doing: str,
        settled: int,
    ) -> None:
        """Make the changes in one operation; `settled` is the result of one that was made before."""
        self._prover.forget()
        if not changes:
            return
        rotation.check_deadline()
        dn = parse(rotation.value(Candidate.PENDING)).username
        if session.modify(dn, changes, doing=doing) not in {SUCCESS, settled}:
            session.refuse(doing)

    def _new_value(self, rotation: Rotation) -> bytes:
        return hashed(
            parse(rotation.value(Candidate.PENDING)).password,
            scheme=rotation.settings.scheme,
            salt=salt_of(rotation.token),
        )

    def _given(self, entry: Entry, password: str, rotation: Rotation) -> tuple[bytes, ...]:
        """The values of the pending password: those that are seen, or the one that setSecret adds."""
        return entry.of(password) if entry.values is not None else (self._new_value(rotation),)

    def _retirement(
        self, entry: Entry, current: LdapSecret, pending: LdapSecret, rotation: Rotation
    ) -> Modification | None:
        if entry.values is None:
            if self._prover.admit(pending, rotation) is Proof.REFUSED:
                raise _not_the_one(pending)
            return Modification(ldap3.MODIFY_REPLACE, (self._new_value(rotation),))
        kept = entry.of(pending.password)
        if not kept:
            raise _not_the_one(pending)
        left_over = tuple(set(_left_over(entry, rotation)) - {*kept, *entry.of(current.password)})
        if old := entry.of(current.password) + left_over:
            return Modification(ldap3.MODIFY_DELETE, old)
        unknown = entry.unknown()
        if not unknown or self._prover.admit(current, rotation) is Proof.REFUSED:
            return None
        if len(unknown) > 1:
            raise TargetRefused(
                f'"{current.username}" has {len(unknown)} passwords in schemes that can\'t be computed here, and the '
                "old one is among them; nothing was changed",
                hint="take its value of userPassword away as an administrator: ldapmodify",
            )
        return Modification(ldap3.MODIFY_DELETE, unknown)


def _left_over(entry: Entry, rotation: Rotation) -> tuple[bytes, ...]:
    return tuple(
        stored for value in rotation.left_over for stored in entry.of(parse(value).password)
    )


def _not_the_one(pending: LdapSecret) -> TargetRefused:
    return TargetRefused(
        f'"{pending.username}" doesn\'t have the password in use, so the old one was not taken from it; nothing was '
        "changed",
        hint="did somebody else change the entry?",
    )


def _preflight(found: list[Finding], *changes: str) -> Preflight:
    return Preflight(overlap=Overlap.DUAL, findings=tuple(found), changes=changes)
