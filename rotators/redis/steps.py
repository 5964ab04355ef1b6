"""The steps of `redis-acl` on the target.

Users aren't replicated, so each node is changed by itself. What a node has is read before anything is changed, so a
step that was interrupted between two nodes goes on with what is left.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace

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
from rotators.redis import fence, findings
from rotators.redis.acl import AclUser
from rotators.redis.change import Change, apply, check_discerning, persist, read_user_at
from rotators.redis.credential import Prover
from rotators.redis.facts import read_facts, shown
from rotators.redis.nodes import Member, members
from rotators.redis.secret import RedisSecret, parse
from rotators.redis.session import Session, login
from rotators.redis.settings import Node, RedisSettings


class RedisSteps:
    """One attempt's steps. Each verb logs in anew: who the nodes are may have changed."""

    def __init__(self) -> None:
        self._provers: dict[Node, Prover] = {}
        self._current_logged_in = False

    # The verbs.

    def preflight(self, rotation: Rotation) -> Preflight:
        """Whether the password can be changed on every node; nothing is."""
        live = parse(rotation.value(rotation.live))
        try:
            changer, _ = self._changer(rotation)
            with self._members(rotation) as nodes:
                facts = [read_facts(each, live, changer=changer) for each in nodes]
        except Misconfigured as wrong:
            return _preflight([finding.refusal(wrong.message, wrong.hint)])
        found = [*findings.tls_findings(live)]
        for each in facts:
            found += findings.node_findings(each, changer=changer.username)
            found += findings.user_findings(each, live, rotation)
        found += findings.privilege_findings(facts, live, rotation)
        self._current_logged_in = rotation.live is Candidate.CURRENT and all(
            each.user is not None and each.user.accepts(live.password) for each in facts
        )
        return _preflight(found, [shown(each, live, rotation) for each in facts])

    def set_secret(self, rotation: Rotation) -> None:
        """Make every node accept the pending password too, durably.

        What a rotation that was never retired has left is taken away.
        """
        values = [parse(rotation.value(c)) for c in (Candidate.CURRENT, Candidate.PENDING)]
        current, pending = values
        change = Change(
            username=pending.username,
            kept=(pending.password,),
            dropped=_left_over(rotation) - {current.password, pending.password},
            doing="adding the new password",
        )
        with self._members(rotation) as nodes:
            users = [read_user_at(each, pending.username) for each in nodes]
            check_discerning(nodes, users, pending.username)
            # A node that can't write its file is found out while no node is changed.
            for each in nodes:
                persist(each, rotation)
            self._apply(nodes, users, change, rotation)

    def test_secret(self, rotation: Rotation) -> None:
        """The new password logs in on every node and survives a restart there; the old one does too.

        Whoever set it may have been killed before the node wrote its file.
        """
        current = parse(rotation.value(Candidate.CURRENT))
        pending = parse(rotation.value(Candidate.PENDING))
        with self._members(rotation) as nodes:
            for each in nodes:
                persist(each, rotation)
        for each in nodes:
            prover = self._prover(each.node, rotation)
            here = _at(pending, each.node)
            prover.log_in(here, rotation).close()
            prover.insist_on_password(here, rotation)
            if self._current_logged_in and prover.refused(_at(current, each.node), rotation):
                raise TargetRefused(
                    f'the old password of "{current.username}" logged in to {each.node} before the change and is '
                    "refused now, although both should be valid",
                    hint="did somebody else change the user just now? ACL GETUSER tells its passwords",
                )

    def probe(self, rotation: Rotation, candidate: Candidate) -> Proof:
        """Whether the candidate logs in, and a random password doesn't.

        The pending value counts as accepted only where all nodes have it, so that a change that stopped halfway goes
        on; another one where any node has it.
        """
        secret = parse(rotation.value(candidate))
        proofs = [
            self._prover(node, rotation).prove(_at(secret, node), rotation)
            for node in self._nodes(rotation)
        ]
        enough = all if candidate is Candidate.PENDING else any
        accepted = enough(proof is Proof.ACCEPTED for proof in proofs)
        return Proof.ACCEPTED if accepted else Proof.REFUSED

    def log_in(self, rotation: Rotation, candidate: Candidate) -> Proof:
        """Whether the candidate logs in at the secret's own address."""
        secret = parse(rotation.value(candidate))
        node = Node(secret.host, secret.port)
        return self._prover(node, rotation).admit(secret, rotation)

    def revert_secret(self, rotation: Rotation) -> None:
        """Make every node accept the current password, and no longer the pending one."""
        current = parse(rotation.value(Candidate.CURRENT))
        pending = parse(rotation.value(Candidate.PENDING))
        change = Change(
            username=current.username,
            kept=(current.password,),
            dropped=(pending.password,),
            doing="taking the new password away again",
        )
        with self._members(rotation) as nodes:
            users = [read_user_at(each, current.username) for each in nodes]
            self._apply(nodes, users, change, rotation)

    def retire_secret(self, rotation: Rotation) -> None:
        """Take the current password, which the pending one has replaced, from the user on every node."""
        current = parse(rotation.value(Candidate.CURRENT))
        pending = parse(rotation.value(Candidate.PENDING))
        change = Change(
            username=pending.username,
            kept=(),
            dropped=({current.password} | _left_over(rotation)) - {pending.password},
            doing="retiring the old password",
        )
        with self._members(rotation) as nodes:
            users = [read_user_at(each, pending.username) for each in nodes]
            for each, user in zip(nodes, users, strict=True):
                if not user.accepts(pending.password):
                    raise TargetRefused(
                        f'the user "{pending.username}" doesn\'t have the password in use at {each.node}, so the old '
                        "one was not taken from it; nothing was changed",
                        hint=f"did somebody else change the user? ACL GETUSER {pending.username}",
                    )
            self._apply(nodes, users, change, rotation)

    def end_older_sessions(self, rotation: Rotation) -> None:
        """End what older owners left open on any node."""
        with self._members_by_any(rotation) as nodes:
            if fence.end_older_sessions(nodes, rotation):
                self._forget()

    def close(self) -> None:
        """Nothing is kept open."""

    # What they are made of.

    def _changer(self, rotation: Rotation) -> tuple[RedisSecret, bool]:
        """Who changes the user, and whether that is the admin."""
        live = parse(rotation.value(rotation.live))
        if rotation.admin is None:
            return live, False
        admin = parse(rotation.admin)
        check_server(admin, live, rotation)
        if admin.username == live.username:
            raise Misconfigured(
                f'the admin secret is for "{admin.username}", the user whose password changes',
                hint="name the secret of another user in masterarn, or none",
            )
        return admin, True

    @contextmanager
    def _members(
        self, rotation: Rotation, changer: RedisSecret | None = None
    ) -> Iterator[list[Member]]:
        """All nodes, with sessions of `changer`, which the rotation tells unless it is given."""
        admin = False
        if changer is None:
            changer, admin = self._changer(rotation)
        settings: RedisSettings = rotation.settings
        credential = changer

        def open_session(node: Node) -> Session:
            here = _at(credential, node)
            return login(here, rotation, settings, admin=admin, tagged=True)

        first = Node(changer.host, changer.port)
        with members(
            first, settings.listed, user=changer.username, open_session=open_session
        ) as found:
            yield found

    @contextmanager
    def _members_by_any(self, rotation: Rotation) -> Iterator[list[Member]]:
        """As `_members`, by whichever value logs in: after a takeover nobody knows which does."""
        if rotation.admin is not None:
            with self._members(rotation) as found:
                yield found
            return
        order = dict.fromkeys((rotation.live, *Candidate))
        secrets = [parse(rotation.values[c]) for c in order if c in rotation.values]
        with ExitStack() as stack:
            for untried in range(len(secrets), 0, -1):
                try:
                    found = stack.enter_context(self._members(rotation, secrets[-untried]))
                except LoginRefused:
                    if untried == 1:
                        raise
                    continue
                yield found
                return

    def _nodes(self, rotation: Rotation) -> list[Node]:
        """Where to log in; the secret's own address alone where no value gets in to ask for others."""
        try:
            with self._members_by_any(rotation) as found:
                return [each.node for each in found]
        except LoginRefused:
            live = parse(rotation.value(rotation.live))
            return list(dict.fromkeys((Node(live.host, live.port), *rotation.settings.listed)))

    def _apply(
        self,
        nodes: Sequence[Member],
        users: Sequence[AclUser],
        change: Change,
        rotation: Rotation,
    ) -> None:
        self._forget()
        apply(nodes, users, change, rotation)

    def _prover(self, node: Node, rotation: Rotation) -> Prover:
        if node not in self._provers:
            self._provers[node] = Prover(rotation.settings)
        return self._provers[node]

    def _forget(self) -> None:
        for prover in self._provers.values():
            prover.forget()


def _at(secret: RedisSecret, node: Node) -> RedisSecret:
    return replace(secret, host=node.host, port=node.port)


def _left_over(rotation: Rotation) -> set[str]:
    return {parse(value).password for value in rotation.left_over}


def _preflight(found: Sequence[Finding], changes: Sequence[str] = ()) -> Preflight:
    return Preflight(overlap=Overlap.DUAL, findings=tuple(found), changes=tuple(changes))
