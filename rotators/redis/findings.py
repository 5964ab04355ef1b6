"""What preflight says of users and nodes. Pure: facts in, findings out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rotator.sdk import Finding, Rotation
from rotators.databases import finding
from rotators.redis.acl import AclUser, digest
from rotators.redis.secret import RedisSecret
from rotators.redis.settings import Node

OLDEST = 6
"""The first release with users."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFacts:
    """What preflight read on one node.

    Attributes:
        user: None where there is none of the name.
        powerful: the user may change users.
        missing: the commands that the session's user may not run, of those that a rotation needs.
        persistence: the command that makes a change durable there, None where there is none.
        masteruser: as whom it replicates another node, None for a node that doesn't.
    """

    node: Node
    info: Mapping[str, str]
    user: AclUser | None
    powerful: bool
    missing: tuple[str, ...]
    persistence: tuple[str, ...] | None
    masteruser: str | None


def node_findings(facts: NodeFacts, *, changer: str) -> Iterator[Finding]:
    """Whether the node can be changed at all, and whether it keeps what was changed."""
    valkey = facts.info.get("valkey_version")
    version = valkey or facts.info.get("redis_version", "?")
    if (
        not valkey
        and version.partition(".")[0].isdigit()
        and int(version.partition(".")[0]) < OLDEST
    ):
        yield finding.refusal(
            f"{facts.node} is Redis {version}; {OLDEST} is the oldest with users",
            "upgrade the server",
        )
    else:
        yield finding.ok(
            f"reached {'Valkey' if valkey else 'Redis'} {version} at {facts.node} and logged in"
        )
    if facts.missing:
        yield finding.refusal(
            f'the user "{changer}" may not run at {facts.node}: {", ".join(facts.missing)}',
            f"ACL SETUSER {changer} {' '.join('+' + each for each in facts.missing)}",
        )
    if facts.persistence is None:
        yield finding.refusal(
            f"{facts.node} was started without a configuration file and without an aclfile, so a restart would bring "
            "the old password back",
            "start it with a configuration file, which may name an aclfile, and repeat there what was configured",
        )


def user_findings(facts: NodeFacts, live: RedisSecret, rotation: Rotation) -> Iterator[Finding]:
    """Whether the user can be rotated on the node."""
    name, user = live.username, facts.user
    if user is None:
        yield finding.refusal(
            f'there is no user "{name}" at {facts.node}: users are not replicated',
            f"make it there as it is elsewhere: ACL LIST; ACL SETUSER {name} …",
        )
        return
    if user.nopass:
        yield finding.refusal(
            f'the user "{name}" logs in with any password at {facts.node} (nopass), so no login proves anything',
            f"ACL SETUSER {name} resetpass #<SHA-256 of the password>",
        )
    elif not user.on:
        yield finding.refusal(f'the user "{name}" is off at {facts.node}', f"ACL SETUSER {name} on")
    elif not user.accepts(live.password):
        yield finding.warning(
            f'the user "{name}" has another password than the secret at {facts.node}; it gets the new one'
        )
    yield from _further_passwords(facts, user, live, rotation)
    if facts.masteruser == name:
        yield finding.warning(
            f'{facts.node} replicates its primary as "{name}" with the password in its configuration (masterauth), '
            "which the primary refuses once the old password is retired",
            "let replicas use a user of their own (masteruser), or set the new password before the grace period is "
            "over: CONFIG SET masterauth …; CONFIG REWRITE",
        )


def _further_passwords(
    facts: NodeFacts, user: AclUser, live: RedisSecret, rotation: Rotation
) -> Iterator[Finding]:
    known = {digest(str(value.fields().get("password"))) for value in rotation.values.values()}
    if further := len(user.hashes - known):
        yield finding.warning(
            f'the user "{live.username}" has {further} further password{"s" if further > 1 else ""} at {facts.node} '
            "beside the secret's, which stay valid",
            f"see them: ACL GETUSER {live.username}; take one away: ACL SETUSER {live.username} !<its SHA-256>",
        )


def privilege_findings(
    facts: Sequence[NodeFacts], live: RedisSecret, rotation: Rotation
) -> Iterator[Finding]:
    """Whether a user with administrative rights may be rotated."""
    powerful = [str(each.node) for each in facts if each.powerful]
    if not powerful:
        return
    reason = f'the user "{live.username}" may change users (ACL SETUSER) at {", ".join(powerful)}'
    if rotation.allow_privileged:
        yield finding.warning(f"{reason}; the rotation is allowed to change it")
    else:
        yield finding.refusal(
            reason, "if it is meant: rotate rotation set SECRET --allow-privileged"
        )


def tls_findings(secret: RedisSecret) -> Iterator[Finding]:
    """How the connections are encrypted."""
    if secret.tls:
        yield finding.ok("TLS, and each server's certificate and name are verified")
    else:
        yield finding.warning(
            f'connections of "{secret.username}" are not encrypted ("ssl": false): passwords cross the network in '
            "plaintext at every login",
            'turn TLS on in the servers (tls-port), and leave out "ssl" in the secret',
        )
