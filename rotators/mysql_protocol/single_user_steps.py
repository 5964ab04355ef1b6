"""What the single-user rotators of MySQL and MariaDB do alike on the target."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field

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
from rotators.mysql_protocol import fence
from rotators.mysql_protocol.account_findings import alone
from rotators.mysql_protocol.accounts import A
from rotators.mysql_protocol.one_user import OneUser, Passwords
from rotators.mysql_protocol.policy import Requirements, requirements
from rotators.mysql_protocol.quoting import account, split_account
from rotators.mysql_protocol.secret import MysqlSecret
from rotators.mysql_protocol.server import Server, read_server, server_findings, tls_findings
from rotators.mysql_protocol.session import Session
from rotators.mysql_protocol.statement_failure import (
    POLICY,
    Refusal,
    explained,
    password_refused,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a rotator's own part of preflight found."""

    overlap: Overlap
    findings: Sequence[Finding] = ()
    changes: Sequence[str] = ()


@dataclass(slots=True)
class _Before:
    """What preflight saw."""

    current_logs_in: bool = False
    account: str | None = None
    requirements: Requirements = field(default_factory=Requirements)


class SingleUserSteps(OneUser[A]):
    """One attempt's steps."""

    def __init__(self) -> None:
        super().__init__()
        self._before = _Before()

    # What differs.

    @abstractmethod
    def _judge(self, session: Session, server: Server, rotation: Rotation) -> Verdict:
        """Which overlap is possible, and what setSecret would do."""

    @abstractmethod
    def _change_to_pending(self, session: Session, values: Passwords, rotation: Rotation) -> None:
        """Make the server accept the pending password, as the rotation's overlap says; may be repeated."""

    @abstractmethod
    def _change_back(self, session: Session, values: Passwords, rotation: Rotation) -> None:
        """Make the server accept the current password alone; may be repeated."""

    @abstractmethod
    def _keep_pending_only(self, session: Session, values: Passwords, rotation: Rotation) -> None:
        """Make the server accept the pending password alone; may be repeated."""

    @abstractmethod
    def _sees_passwords(self, rotation: Rotation) -> bool:
        """Whether the server is sent passwords that its policy can judge, and no hashes."""

    # The verbs.

    @property
    def requirements(self) -> Requirements:
        """What the server asks of a new password, as far as preflight has seen it."""
        return self._before.requirements

    def preflight(self, rotation: Rotation) -> Preflight:
        """Whether the password can be changed, and with which overlap; nothing is."""
        live = self._parse(rotation, rotation.live)
        try:
            admins = () if rotation.admin is None else (self._admin(live, rotation),)
        except Misconfigured as wrong:
            return _refusing(wrong, [])
        session = self._session_for_change(rotation)
        server = read_server(session)
        found = [
            *server_findings(server, self.product, oldest=self.oldest),
            *tls_findings(live, *admins),
        ]
        if finding.refused(found):
            return Preflight(overlap=Overlap.GAP, findings=tuple(found))
        self._before = _Before(requirements=requirements(server))
        if rotation.admin is None:
            self._before.account = f"{server.user}@{server.account_host}"
            self._before.current_logs_in = rotation.live is Candidate.CURRENT
            found += _identity_findings(server, live)
        try:
            verdict = self._judge(session, server, rotation)
        except Misconfigured as wrong:
            return _refusing(wrong, found)
        found += verdict.findings
        if rotation.admin is None:
            found.append(_alone_finding(session, server))
        if rotation.admin is not None and not finding.refused(found):
            found += self._current_findings(rotation)
        return Preflight(
            overlap=verdict.overlap, findings=tuple(found), changes=tuple(verdict.changes)
        )

    def set_secret(self, rotation: Rotation) -> None:
        """Make the server accept the pending password; with the overlap `dual` the current one stays valid."""
        if rotation.admin is None and rotation.live is Candidate.PENDING:
            return
        values = self._values(rotation)
        try:
            session = self._session_for_change(rotation)
        except LoginRefused:
            # An earlier call, whose answer was lost, may have done it.
            if self._prover.refused(values.pending, rotation):
                raise
            return
        self._change(session, rotation, values, self._set_pending)

    def test_secret(self, rotation: Rotation) -> None:
        """The new password logs in to the same account; the old one does too, or is refused, as the overlap says."""
        values = self._values(rotation)
        session = self._prover.log_in(values.pending, rotation)
        try:
            self._check_identity(session, values.pending)
        finally:
            session.close()
        if values.current.password == values.pending.password:
            # A test without a rotation: there is no old password.
            self._prover.insist_on_password(values.pending, rotation)
        elif rotation.overlap is Overlap.DUAL:
            self._prover.insist_on_password(values.pending, rotation)
            self._check_current_is_kept(values.current, rotation)
        elif not self._prover.refused(values.current, rotation):
            raise Misconfigured(
                f'the server still takes the old password of "{values.pending.username}" after the new one was set: '
                "the account has a second password, or it is authenticated elsewhere",
                hint="SHOW CREATE USER tells how the account is authenticated",
            )

    def probe(self, rotation: Rotation, candidate: Candidate) -> Proof:
        """Whether the candidate logs in, and a random password doesn't.

        With an admin secret the catalogue is asked first, which costs no failed login. The pending value counts as
        accepted only where all accounts have it, so that a change that stopped halfway goes on.
        """
        if rotation.admin is not None:
            admin = self._session_for_change(rotation)
            if not self._accepted_by_catalogue(admin, candidate, rotation):
                return Proof.REFUSED
        return self._prover.prove(self._parse(rotation, candidate), rotation)

    def log_in(self, rotation: Rotation, candidate: Candidate) -> Proof:
        """Whether the candidate logs in."""
        return self._prover.admit(self._parse(rotation, candidate), rotation)

    def revert_secret(self, rotation: Rotation) -> None:
        """Make the server accept the current password, and no longer the pending one."""
        if rotation.admin is None and rotation.live is Candidate.CURRENT:
            return  # the probes have shown that the pending one doesn't log in
        values = self._values(rotation)
        try:
            session = self._session_for_change(rotation)
        except LoginRefused:
            if self._prover.refused(values.current, rotation):
                raise
            return
        self._change(session, rotation, values, self._change_back)

    def retire_secret(self, rotation: Rotation) -> None:
        """Take the current password, which the pending one has replaced, from the accounts."""
        if rotation.overlap is not Overlap.DUAL:
            return
        session = self._session_for_change(rotation)
        self._change(session, rotation, self._values(rotation), self._keep_pending_only)

    def end_older_sessions(self, rotation: Rotation) -> None:
        """End what older owners left open: of the admin, or of the user itself."""
        if rotation.admin is not None:
            fence.end_older_sessions(self._session_for_change(rotation), rotation)
            return
        session = self._any_session(rotation)
        try:
            if fence.end_older_sessions(session, rotation):
                # It may have changed the password after it was refused.
                self._prover.forget()
        finally:
            session.close()

    # What they are made of.

    def _set_pending(self, session: Session, values: Passwords, rotation: Rotation) -> None:
        try:
            self._change_to_pending(session, values, rotation)
        except Refusal as refusal:
            if refusal.number != POLICY or not self._sees_passwords(rotation):
                raise
            if rotation.admin is not None and any(
                each.accepts(values.pending.password) for each in self._rotating(session, rotation)
            ):
                raise  # an account has it, so the others get it too, or none keeps it
            raise password_refused(refusal) from None

    def _current_findings(self, rotation: Rotation) -> list[Finding]:
        live = self._parse(rotation, rotation.live)
        try:
            session = self._prover.log_in(live, rotation)
        except LoginRefused:
            return [
                finding.warning(
                    f'the stored password of "{live.username}" does not log in from here; the admin secret can set '
                    "the new one all the same"
                )
            ]
        with explained("reading who the session is"):
            self._before.account = str(session.run("SELECT CURRENT_USER()")[0][0])
        session.close()
        self._before.current_logs_in = rotation.live is Candidate.CURRENT
        return []

    def _check_identity(self, session: Session, secret: MysqlSecret) -> None:
        with explained("reading who the session is"):
            account = str(session.run("SELECT CURRENT_USER()")[0][0])
        before = self._before.account
        if split_account(account)[0] != secret.username or (before and before != account):
            raise TargetRefused(
                f'the new password of "{secret.username}" logs in to the account {account} instead of '
                f"{before or secret.username}",
                hint="compare the accounts of the user: SELECT user, host FROM mysql.user",
            )

    def _check_current_is_kept(self, current: MysqlSecret, rotation: Rotation) -> None:
        if self._before.current_logs_in and self._prover.refused(current, rotation):
            raise TargetRefused(
                f'the old password of "{current.username}" logged in before the change and is refused now, although '
                "both should be valid",
                hint="did somebody else change the account just now?",
            )


def _identity_findings(server: Server, live: MysqlSecret) -> list[Finding]:
    if server.user == live.username:
        return []
    return [
        finding.refusal(
            f'"{live.username}" is let in as the account "{server.user}"@"{server.account_host}", an account of '
            "another name",
            "give the user an account of its own, or remove the anonymous one: SELECT user, host FROM mysql.user",
        )
    ]


def _alone_finding(session: Session, server: Server) -> Finding:
    doing = "looking for other accounts of the user"
    try:
        with explained(doing):
            rows = session.run(
                "SELECT Host FROM mysql.user WHERE User = %s ORDER BY Host", (server.user,)
            )
    except Refusal:  # few users may read that
        others = None
    else:
        hosts = [str(host) for (host,) in rows]
        others = [account(server.user, host) for host in hosts if host != server.account_host]
    return alone(account(server.user, server.account_host), others)


def _refusing(wrong: Misconfigured, found: list[Finding]) -> Preflight:
    refusal = finding.refusal(wrong.message, wrong.hint)
    return Preflight(overlap=Overlap.GAP, findings=(*found, refusal))
