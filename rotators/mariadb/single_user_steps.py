"""The steps of `mariadb-single-user` on the target.

An admin changes the list of methods of each account, one statement an account: the server changes some accounts of a
statement and fails at the next. What is left is told by the catalogue, so a step that was interrupted goes on.
"""

from collections.abc import Callable, Collection

from rotator.sdk import Overlap, Rotation, TargetRefused
from rotators.databases import finding
from rotators.mariadb import findings, methods
from rotators.mariadb.accounts import MariadbAccount, read_accounts, read_own_method
from rotators.mariadb.methods import Method
from rotators.mysql_protocol import account_findings, fence
from rotators.mysql_protocol.grants import account_grants, own_grants
from rotators.mysql_protocol.one_user import Passwords
from rotators.mysql_protocol.quoting import account, literal
from rotators.mysql_protocol.secret import MARIADB, parse
from rotators.mysql_protocol.server import Server, read_server
from rotators.mysql_protocol.session import Session
from rotators.mysql_protocol.single_user_steps import SingleUserSteps, Verdict

_DOING = "changing the password"
_BACK = "setting the current password again"
_RETIRING = "retiring the old password"
_HINT = "name an admin secret in masterarn that may change this user"
_SHOWN = "<hash of the new password>"

_NewMethods = Callable[[MariadbAccount], tuple[Method, ...]]


class MariadbSingleUserSteps(SingleUserSteps[MariadbAccount]):
    """MariaDB: one method beside the other, until the old one is taken out."""

    product = MARIADB
    oldest = findings.OLDEST

    def _read_accounts(self, session: Session, user: str) -> list[MariadbAccount]:
        return read_accounts(session, user)

    def _sees_passwords(self, rotation: Rotation) -> bool:
        sent: bool = rotation.settings.clear_text
        return sent

    def _judge(self, session: Session, server: Server, rotation: Rotation) -> Verdict:
        verdict = (
            self._judge_own(session, server, rotation)
            if rotation.admin is None
            else self._judge_accounts(session, server, rotation)
        )
        found = (*verdict.findings, *findings.clear_text_findings(server, rotation))
        return Verdict(overlap=verdict.overlap, findings=found, changes=verdict.changes)

    def _judge_own(self, session: Session, server: Server, rotation: Rotation) -> Verdict:
        name = account(server.user, server.account_host)
        password = self._parse(rotation, rotation.live).password
        method = read_own_method(session)
        return Verdict(
            overlap=Overlap.GAP,
            findings=(
                *account_findings.privilege_findings(
                    own_grants(session), name=name, allowed=rotation.allow_privileged
                ),
                *findings.own_findings(method, server, rotation, password=password),
            ),
            changes=(f"SET PASSWORD FOR {name} = '{_SHOWN}'",),
        )

    def _judge_accounts(self, session: Session, server: Server, rotation: Rotation) -> Verdict:
        admin = account(server.user, server.account_host)
        live = self._parse(rotation, rotation.live)
        try:
            accounts = read_accounts(session, live.username)
        except TargetRefused as refused:
            refusal = finding.refusal(refused.message, f"GRANT SELECT ON mysql.* TO {admin}")
            return Verdict(overlap=Overlap.DUAL, findings=(refusal,))
        chosen = self._choose(accounts, rotation)
        others = [each for each in accounts if each not in chosen]
        found = [
            *account_findings.admin_findings(own_grants(session), admin=admin),
            *findings.account_findings(chosen, others, server, password=live.password),
        ]
        for each in chosen:
            theirs = account_grants(session, each.name)
            found += account_findings.privilege_findings(
                theirs, name=each.name, allowed=rotation.allow_privileged
            )
        left_over = _passwords_left_over(rotation)
        changes = [_shown(each, live.password, left_over) for each in chosen]
        return Verdict(overlap=Overlap.DUAL, findings=found, changes=changes)

    def _change_to_pending(self, session: Session, values: Passwords, rotation: Rotation) -> None:
        current, pending = values.current.password, values.pending.password
        if rotation.admin is None:
            self._set_own(session, pending, rotation, doing=_DOING)
            return
        left_over = _passwords_left_over(rotation)
        self._give(
            session,
            rotation,
            lambda each: methods.both(
                each.methods, current=current, pending=pending, left_over=left_over
            ),
            doing=_DOING,
        )

    def _change_back(self, session: Session, values: Passwords, rotation: Rotation) -> None:
        current, pending = values.current.password, values.pending.password
        if rotation.admin is None:
            self._set_own(session, current, rotation, doing=_BACK)
            return
        self._give(
            session,
            rotation,
            lambda each: methods.only(each.methods, kept=current, dropped=[pending]),
            doing=_BACK,
        )

    def _keep_pending_only(self, session: Session, values: Passwords, rotation: Rotation) -> None:
        current, pending = values.current.password, values.pending.password
        accounts = self._rotating(session, rotation)
        if not all(each.accepts(pending) for each in accounts):
            raise TargetRefused(
                f'an account of "{values.pending.username}" doesn\'t have the password in use, so the old one was '
                "not taken from it; nothing was changed",
                hint="did somebody else change the account? SHOW CREATE USER tells its methods",
            )
        dropped = [current, *_passwords_left_over(rotation)]
        self._give(
            session,
            rotation,
            lambda each: methods.only(each.methods, kept=pending, dropped=dropped),
            doing=_RETIRING,
        )

    def _set_own(self, session: Session, password: str, rotation: Rotation, *, doing: str) -> None:
        """SET PASSWORD changes the first method and leaves others valid, so it has to be the only one."""
        method = read_own_method(session)
        if method is None or not method.is_password:
            raise TargetRefused(
                "the account has several methods now, and by itself it could change only the first of them",
                hint=_HINT,
            )
        if _clear_text(session, rotation):
            given = f"PASSWORD({literal(password)})"
        else:
            given = literal(methods.method_for(method.plugin, password).stored)
        fence.change(session, rotation, f"SET PASSWORD = {given}", doing=doing, hint=_HINT)

    def _give(
        self, session: Session, rotation: Rotation, wanted: _NewMethods, *, doing: str
    ) -> None:
        """Give each account its new methods, where it doesn't have them."""
        clear_text = _clear_text(session, rotation)
        for each in self._rotating(session, rotation):
            methods_of_it = wanted(each)
            if methods_of_it == each.methods:
                continue
            statement = methods.alter(each.name, methods_of_it, clear_text=clear_text)
            fence.change(session, rotation, statement, doing=doing, hint=_HINT)


def _passwords_left_over(rotation: Rotation) -> list[str]:
    """What earlier rotations kept beside the current password, and this one takes away."""
    return [parse(value, MARIADB).password for value in rotation.left_over]


def _clear_text(session: Session, rotation: Rotation) -> bool:
    """Whether passwords are sent as they are: only where that is allowed, and where hashes are refused."""
    return rotation.settings.clear_text and findings.validates_hashes(read_server(session))


def _shown(each: MariadbAccount, password: str, left_over: Collection[str]) -> str:
    """The statement as a plan shows it: no hash, since one of a weak password can be guessed."""
    changed = methods.both(each.methods, current=password, pending="", left_over=left_over)
    hidden = [
        Method(plugin=m.plugin, stored=_hidden(m, password) if m.is_password else m.stored)
        for m in changed
    ]
    return methods.alter(each.name, hidden, clear_text=False)


def _hidden(method: Method, password: str) -> str:
    if method.accepts(""):
        return _SHOWN
    return "<hash of the current password>" if method.accepts(password) else "<its hash>"
