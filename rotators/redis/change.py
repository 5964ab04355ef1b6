"""Changes of a user's passwords, on one node after the other."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from rotator.sdk import Misconfigured, OutcomeUnknown, Rotation, StepError, TargetRefused
from rotators.redis.acl import AclUser, read_user, rules
from rotators.redis.failure import explained
from rotators.redis.nodes import Member


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What the user's passwords shall be; others that it has stay.

    Attributes:
        doing: what it is for, for messages.
        kept: passwords that the user shall accept.
        dropped: passwords that it shall refuse.
    """

    username: str
    kept: Collection[str]
    dropped: Collection[str]
    doing: str


def read_user_at(member: Member, username: str) -> AclUser:
    """The user on one node.

    Raises:
        TargetRefused: there is none, and ACL SETUSER would make one.
    """
    answer = member.ask("reading the user", "ACL", "GETUSER", username)
    if answer is None:
        raise TargetRefused(
            f'there is no user "{username}" at {member.node}; nothing was changed',
            hint=f"users are not replicated: make it there too, ACL SETUSER {username} …",
        )
    return read_user(answer)


def check_discerning(members: Sequence[Member], users: Sequence[AclUser], username: str) -> None:
    """No node lets the user in with any password.

    Raises:
        Misconfigured: one does.
    """
    for member, user in zip(members, users, strict=True):
        if user.nopass:
            raise Misconfigured(
                f'the user "{username}" logs in with any password at {member.node} (nopass)',
                hint=f"ACL SETUSER {username} resetpass #<SHA-256 of the password>",
            )


def apply(
    members: Sequence[Member], users: Sequence[AclUser], change: Change, rotation: Rotation
) -> None:
    """Change what the nodes have to what they shall have, durably, and make durable what they have already.

    Args:
        users: what each of the nodes has.

    Raises:
        OutcomeUnknown: a node failed after something had been changed.
        StepError: a node failed before.
    """
    changed: list[str] = []
    for member, user in zip(members, users, strict=True):
        try:
            wanted = rules(user, kept=change.kept, dropped=change.dropped)
            if wanted:
                rotation.check_deadline()
                with explained(change.doing, at=member.node, changing=True, hint=member.hint):
                    member.session.run("ACL", "SETUSER", change.username, *wanted)
                changed.append(str(member.node))
            persist(member, rotation)
        except StepError as failure:
            if not changed:
                raise
            raise OutcomeUnknown(
                f"{change.doing} was done at {', '.join(changed)} and then stopped: {failure.message}",
                hint=failure.hint,
            ) from None


def persist(member: Member, rotation: Rotation) -> None:
    """Have the node write its users to its file.

    Raises:
        Misconfigured: it has none.
        TargetRefused: it can't.
    """
    command = persistence(member)
    if command is None:
        raise Misconfigured(
            f"{member.node} has neither a configuration file nor an aclfile, so a restart would undo any change",
            hint="start it with one",
        )
    rotation.check_deadline()
    member.ask(f"writing the users to their file ({' '.join(command)})", *command)


def persistence(member: Member) -> tuple[str, ...] | None:
    """The command that makes changes of users durable on the node, None where nothing does."""
    _, aclfile = member.ask("reading the configuration", "CONFIG", "GET", "aclfile")
    if aclfile:
        return ("ACL", "SAVE")
    return ("CONFIG", "REWRITE") if member.info.get("config_file") else None
