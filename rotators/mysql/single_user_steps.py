"""The steps of `mysql-single-user` on the target."""

from rotator.sdk import Overlap, RevertDegraded, Rotation, TargetRefused
from rotators.databases import finding
from rotators.mysql import findings, statements
from rotators.mysql.accounts import MysqlAccount, read_accounts, read_own
from rotators.mysql_protocol import account_findings, fence
from rotators.mysql_protocol.grants import account_grants, own_grants
from rotators.mysql_protocol.one_user import Passwords
from rotators.mysql_protocol.quoting import account
from rotators.mysql_protocol.secret import MYSQL
from rotators.mysql_protocol.server import Server, version_numbers
from rotators.mysql_protocol.session import Session
from rotators.mysql_protocol.single_user_steps import SingleUserSteps, Verdict
from rotators.mysql_protocol.statement_failure import (
    HISTORY,
    NOT_THE_PASSWORD,
    POLICY,
    Refusal,
)

_DOING = "changing the password"
_BACK = "setting the current password again"
_RETIRING = "retiring the old password"
_NOT_AGAIN = frozenset({HISTORY, POLICY})
_HINT = "name an admin secret in masterarn that may change this user"


class MysqlSingleUserSteps(SingleUserSteps[MysqlAccount]):
    """MySQL: RETAIN CURRENT PASSWORD and DISCARD OLD PASSWORD."""

    product = MYSQL
    oldest = findings.OLDEST

    def _read_accounts(self, session: Session, user: str) -> list[MysqlAccount]:
        return read_accounts(session, user)

    def _sees_passwords(self, rotation: Rotation) -> bool:
        del rotation
        return True

    def _judge(self, session: Session, server: Server, rotation: Rotation) -> Verdict:
        if rotation.admin is None:
            return self._judge_own(session, server, rotation)
        return self._judge_accounts(session, server, rotation)

    def _judge_own(self, session: Session, server: Server, rotation: Rotation) -> Verdict:
        grants = own_grants(session)
        overlap = findings.overlap_for(server, grants, admin=False)
        name = account(server.user, server.account_host)
        retain = statements.RETAIN if overlap is Overlap.DUAL else ""
        return Verdict(
            overlap=overlap,
            findings=(
                *account_findings.privilege_findings(
                    grants, name=name, allowed=rotation.allow_privileged
                ),
                *findings.own_findings(read_own(session), server, overlap=overlap),
                *findings.overlap_findings(overlap, server, rotation, name=name),
            ),
            changes=(f"ALTER USER {name} IDENTIFIED BY '{statements.HIDDEN}'{retain}",),
        )

    def _judge_accounts(self, session: Session, server: Server, rotation: Rotation) -> Verdict:
        grants = own_grants(session)
        admin = account(server.user, server.account_host)
        overlap = findings.overlap_for(server, grants, admin=True)
        user = self._parse(rotation, rotation.live).username
        try:
            accounts = read_accounts(session, user)
        except TargetRefused as refused:
            remedy = f"GRANT SELECT ON mysql.* TO {admin}"
            return Verdict(overlap=overlap, findings=(finding.refusal(refused.message, remedy),))
        chosen = self._choose(accounts, rotation)
        others = [each for each in accounts if each not in chosen]
        found = [
            *account_findings.admin_findings(grants, admin=admin),
            *findings.account_findings(
                chosen,
                others,
                server,
                password=self._parse(rotation, rotation.live).password,
                overlap=overlap,
            ),
            *findings.overlap_findings(overlap, server, rotation, name=chosen[0].name),
        ]
        for each in chosen:
            theirs = account_grants(session, each.name)
            found += account_findings.privilege_findings(
                theirs, name=each.name, allowed=rotation.allow_privileged
            )
        shown = statements.set_all(chosen, statements.HIDDEN, retain=overlap is Overlap.DUAL)
        return Verdict(overlap=overlap, findings=found, changes=(shown,))

    def _change_to_pending(self, session: Session, values: Passwords, rotation: Rotation) -> None:
        retain = rotation.overlap is Overlap.DUAL
        if rotation.admin is None:
            self._set_own(session, values, rotation, retain=retain)
            return
        accounts = self._rotating(session, rotation)
        current, pending = values.current.password, values.pending.password
        missing = [each for each in accounts if not each.has_first(pending)]
        # RETAIN drops the second password, so a current one that is the second becomes the first before.
        second = [
            each for each in missing if each.has_second(current) and not each.has_first(current)
        ]
        if second and retain:
            try:
                statement = statements.set_all(second, current, retain=True)
                _send(session, rotation, statement, doing=_DOING)
            except Refusal as refusal:  # of the current password: another new one would not help
                raise TargetRefused(refusal.message, hint=refusal.hint) from None
        if missing:
            _send(
                session, rotation, statements.set_all(missing, pending, retain=retain), doing=_DOING
            )

    def _set_own(
        self, session: Session, values: Passwords, rotation: Rotation, *, retain: bool
    ) -> None:
        replacing = self._live_password(session, rotation)
        statement = statements.set_own(values.pending.password, replacing=replacing, retain=retain)
        try:
            _send(session, rotation, statement, doing=_DOING)
        except Refusal as refusal:
            if refusal.number != NOT_THE_PASSWORD:
                raise
            if self._prover.refused(values.pending, rotation):
                raise TargetRefused(
                    f'the stored password of "{values.current.username}" is the second one of its account, and a '
                    "change would drop it",
                    hint=f"as an admin: ALTER USER … IDENTIFIED BY '<the stored password>'{statements.RETAIN}; {_HINT}",
                ) from None
            # An earlier call, whose answer was lost, has set it.

    def _change_back(self, session: Session, values: Passwords, rotation: Rotation) -> None:
        dual = rotation.overlap is Overlap.DUAL
        if rotation.admin is not None:
            self._all_back(session, values, rotation)
            return
        statement = statements.set_own(
            values.current.password,
            replacing=self._live_password(session, rotation),
            retain=False,
        )
        try:
            _send(session, rotation, statement, doing=_BACK)
        except Refusal as refusal:
            if self._prover.refused(values.current, rotation):
                raise
            if refusal.number in _NOT_AGAIN and dual:
                raise _degraded(refusal) from None
            # Where the first password is another than the pending one, it is the current one already.
            if refusal.number != NOT_THE_PASSWORD:
                raise
        if dual:
            _send(session, rotation, statements.discard_own(), doing=_BACK)

    def _all_back(self, session: Session, values: Passwords, rotation: Rotation) -> None:
        current, pending = values.current.password, values.pending.password
        accounts = self._rotating(session, rotation)
        changed = [each for each in accounts if not each.has_first(current)]
        if changed:
            try:
                _send(
                    session,
                    rotation,
                    statements.set_all(changed, current, retain=False),
                    doing=_BACK,
                )
            except Refusal as refusal:
                if refusal.number in _NOT_AGAIN and all(each.accepts(current) for each in accounts):
                    raise _degraded(refusal) from None
                raise
        seconds = [each for each in accounts if each.has_second(pending) or each in changed]
        if seconds and rotation.overlap is Overlap.DUAL:
            _send(session, rotation, statements.discard_all(seconds), doing=_BACK)

    def _keep_pending_only(self, session: Session, values: Passwords, rotation: Rotation) -> None:
        if rotation.admin is not None:
            self._keep_pending_in_all(session, values, rotation)
            return
        pending = values.pending.password
        try:
            # DISCARD drops the second password, whichever it is: this makes sure that the pending one is the first.
            _send(
                session,
                rotation,
                statements.set_own(pending, replacing=pending, retain=False),
                doing=_RETIRING,
            )
        except Refusal as refusal:
            if refusal.number == NOT_THE_PASSWORD:
                raise _would_drop_the_new(values.pending.username) from None
            if refusal.number != HISTORY:
                raise
            # The server looks into the history first. But where the old password is still one of the two, the pending
            # one is the first, as it was set; and where it isn't, there is nothing to retire.
            if self._prover.refused(values.current, rotation):
                return
        _send(session, rotation, statements.discard_own(), doing=_RETIRING)

    def _keep_pending_in_all(self, session: Session, values: Passwords, rotation: Rotation) -> None:
        accounts = self._rotating(session, rotation)
        if not all(each.has_first(values.pending.password) for each in accounts):
            raise _would_drop_the_new(values.pending.username)
        seconds = [each for each in accounts if each.second is not None]
        if seconds:
            _send(session, rotation, statements.discard_all(seconds), doing=_RETIRING)

    def _live_password(self, session: Session, rotation: Rotation) -> str | None:
        """What REPLACE names, None where the server doesn't know REPLACE."""
        if version_numbers(session.version) < findings.REPLACE_SINCE:
            return None
        return self._parse(rotation, rotation.live).password


def _send(session: Session, rotation: Rotation, statement: str, *, doing: str) -> None:
    fence.change(session, rotation, statement, doing=doing, hint=_HINT)


def _degraded(refusal: Refusal) -> RevertDegraded:
    return RevertDegraded(
        "the server doesn't take the current password as the first one again, and it stays valid as the second one: "
        f"{refusal.message}",
        hint="ALTER USER … PASSWORD HISTORY 0 (or a weaker validate_password.policy), then rotate again with an "
        "admin secret",
    )


def _would_drop_the_new(username: str) -> TargetRefused:
    return TargetRefused(
        f'the password in use is not the first one of the account of "{username}", so discarding the old one would '
        "drop it; nothing was changed",
        hint="did somebody else change the account? SELECT user, host, User_attributes FROM mysql.user",
    )
