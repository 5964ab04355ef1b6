"""What preflight reads on a node."""

from redis.exceptions import ResponseError

from rotator.sdk import Rotation
from rotators.redis.acl import AclUser, digest, read_user
from rotators.redis.change import persistence
from rotators.redis.failure import explained
from rotators.redis.fence import kill
from rotators.redis.findings import NodeFacts
from rotators.redis.nodes import Member, replication
from rotators.redis.secret import DEFAULT_USER, RedisSecret, parse


def read_facts(member: Member, live: RedisSecret, *, changer: RedisSecret) -> NodeFacts:
    """All that preflight judges one node by."""
    answer = member.ask("reading the user", "ACL", "GETUSER", live.username)
    user = None if answer is None else read_user(answer)
    durably = persistence(member)
    set_user = ("ACL", "SETUSER", live.username)
    needed = [set_user, ("CLIENT", "LIST"), kill("1"), *([durably] if durably else [])]
    return NodeFacts(
        node=member.node,
        info=member.info,
        user=user,
        powerful=user is not None and _powerful(member, user, live.username),
        missing=tuple(
            "|".join(command[:2]).lower()
            for command in needed
            if _may(member, changer.username, command) is False
        ),
        persistence=durably,
        masteruser=_masteruser(member),
    )


def shown(facts: NodeFacts, live: RedisSecret, rotation: Rotation) -> str:
    """The commands of setSecret as a plan shows them: no hash, since one of a weak password can be guessed."""
    known = {digest(parse(value).password) for value in rotation.values.values()}
    left_over = facts.user is not None and facts.user.hashes & known - {digest(live.password)}
    dropped = " !<SHA-256 of the previous password>" if left_over else ""
    durably = " ".join(facts.persistence or ())
    return f"{facts.node}: ACL SETUSER {live.username} #<SHA-256 of the new password>{dropped}; {durably}"


def _powerful(member: Member, user: AclUser, username: str) -> bool:
    may = _may(member, username, ("ACL", "SETUSER", username))
    return user.powerful if may is None else may


def _may(member: Member, username: str, command: tuple[str, ...]) -> bool | None:
    """Whether a user may run a command; None where the node doesn't tell (Redis 6, or the right to ask is missing)."""
    with explained("asking for permissions", at=member.node):
        try:
            answer = member.session.run("ACL", "DRYRUN", username, *command)
        except ResponseError:
            return None
    return bool(answer == "OK")


def _masteruser(member: Member) -> str | None:
    """As whom the node replicates its primary, None for a primary."""
    if replication(member, "reading the role")["role"] == "master":
        return None
    _, name = member.ask("reading the configuration", "CONFIG", "GET", "masteruser")
    return str(name or DEFAULT_USER)
