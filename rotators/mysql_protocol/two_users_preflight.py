"""Whether two users of MySQL or MariaDB can take turns, and what setSecret would do."""

from collections.abc import Iterator, Sequence

from rotator.sdk import (
    Candidate,
    Finding,
    LoginRefused,
    Misconfigured,
    Overlap,
    Preflight,
    Rotation,
)
from rotators.databases import finding
from rotators.mysql_protocol import account_findings, clone_findings
from rotators.mysql_protocol.accounts import A
from rotators.mysql_protocol.comparison import Compared, read_grants
from rotators.mysql_protocol.definers import read_defined
from rotators.mysql_protocol.grants import own_grants
from rotators.mysql_protocol.pairs import Pairs, other_user
from rotators.mysql_protocol.policy import Requirements, requirements
from rotators.mysql_protocol.quoting import split_account
from rotators.mysql_protocol.server import server_findings, tls_findings
from rotators.mysql_protocol.session import Session
from rotators.mysql_protocol.statement_failure import Refusal, explained
from rotators.mysql_protocol.two_users import TwoUsers


class TwoUsersPreflight(TwoUsers[A]):
    """Looks at both users, and changes nothing."""

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


def _answer(found: Sequence[Finding], changes: Sequence[str] = ()) -> Preflight:
    return Preflight(overlap=Overlap.ALTERNATING, findings=tuple(found), changes=tuple(changes))
