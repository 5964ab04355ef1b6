"""What a node says of a user, and the rules that change its passwords. Pure.

Passwords are given as their SHA-256, which is what the server stores, so that no clear text comes to its log, to
MONITOR or to the slow log. Source: Redis's documentation, "ACL", and the commands ACL SETUSER and ACL GETUSER.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

_POWERFUL = frozenset({"+@all", "+@admin", "+@dangerous", "+acl", "+acl|setuser", "allcommands"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AclUser:
    """A user as ACL GETUSER describes it.

    Attributes:
        hashes: the SHA-256 of its passwords, hexadecimal; whichever of them is given logs in.
    """

    on: bool
    nopass: bool
    hashes: frozenset[str]
    commands: str

    def accepts(self, password: str) -> bool:
        """Whether the user logs in with this password for what it is."""
        return self.on and not self.nopass and digest(password) in self.hashes

    @property
    def powerful(self) -> bool:
        """Whether its rules seem to let it change users; later rules may take that away again."""
        return not _POWERFUL.isdisjoint(self.commands.lower().split())


def read_user(answer: Sequence[Any]) -> AclUser:
    """The user in the answer of ACL GETUSER: names and values in turn."""
    fields = dict(zip(answer[::2], answer[1::2], strict=True))
    flags = frozenset(fields["flags"])
    return AclUser(
        on="on" in flags,
        nopass="nopass" in flags,
        hashes=frozenset(fields["passwords"]),
        commands=str(fields["commands"]),
    )


def digest(password: str) -> str:
    """What the server stores of a password."""
    return hashlib.sha256(password.encode()).hexdigest()


def rules(user: AclUser, *, kept: Collection[str], dropped: Collection[str]) -> tuple[str, ...]:
    """The rules that make the user accept the passwords `kept` and refuse those in `dropped`; others stay.

    None where nothing is to be done: a password that isn't there can't be taken away, and one that is needn't be added.
    """
    wanted = {digest(password) for password in kept}
    unwanted = {digest(password) for password in dropped} - wanted
    return (
        *(f"#{each}" for each in sorted(wanted - user.hashes)),
        *(f"!{each}" for each in sorted(unwanted & user.hashes)),
    )
