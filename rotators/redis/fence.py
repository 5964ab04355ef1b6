"""Sessions of older owners: servers know no fencing, but every session has a name, and a node lists them all."""

from collections.abc import Iterator, Sequence

from rotator.sdk import Rotation, TargetBusy
from rotators.redis.nodes import Member

_DOING = "looking for sessions of this secret's older owners"


def end_older_sessions(members: Sequence[Member], rotation: Rotation) -> bool:
    """End the older owners' sessions on every node.

    Returns:
        Whether there was one.

    Raises:
        TargetBusy: one is still there.
    """
    found = False
    for member in members:
        for session_id in _older(member, rotation):
            found = True
            rotation.check_deadline()
            member.ask("ending the session of an older owner", *kill(session_id))
        left = list(_older(member, rotation)) if found else []
        if left:
            raise TargetBusy(
                f"a session of an earlier owner of this secret's rotation is still open at {member.node}: {left[0]}",
                hint=f"end it as an administrator: CLIENT KILL ID {left[0]}",
            )
    return found


def kill(session_id: str) -> tuple[str, ...]:
    """The command that ends a session; it answers how many it has ended."""
    return ("CLIENT", "KILL", "ID", session_id)


def _older(member: Member, rotation: Rotation) -> Iterator[str]:
    for line in str(member.ask(_DOING, "CLIENT", "LIST")).splitlines():
        fields = dict(part.split("=", 1) for part in line.split(" ") if "=" in part)
        name = fields.get("name", "")
        fencing = name.rpartition("/")[2]
        if (
            name.startswith(rotation.session_prefix)
            and fencing.isdecimal()
            and int(fencing) < rotation.fencing
        ):
            yield fields["id"]
