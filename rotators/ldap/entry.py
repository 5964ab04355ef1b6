"""What the directory says of an entry's passwords, and what is to be changed of them."""

from collections.abc import Collection
from dataclasses import dataclass

from rotator.sdk import TargetRefused
from rotators.ldap.hashes import is_of
from rotators.ldap.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """The passwords of an entry.

    Attributes:
        values: of userPassword; None where the session may not read them.
        policy: the DN of the policy that the entry names, None where it names none.
    """

    values: tuple[bytes, ...] | None
    policy: str | None = None

    def of(self, password: str) -> tuple[bytes, ...]:
        """The values that are known to be of this password."""
        return tuple(value for value in self.values or () if is_of(value, password))

    def unknown(self, *, beside: Collection[bytes] = ()) -> tuple[bytes, ...]:
        """The values whose scheme can't be computed here, without those that are known otherwise."""
        found = (value for value in self.values or () if is_of(value, "") is None)
        return tuple(value for value in found if value not in beside)

    def refuses(self, password: str) -> bool:
        """Whether no value can be this password's, so that a bind needn't fail to show it."""
        return self.values is not None and not self.of(password) and not self.unknown()


def read_entry(session: Session, dn: str) -> Entry:
    """The entry, as far as the session may read it.

    Raises:
        TargetRefused: there is none, or none that the session sees.
    """
    found = session.read(dn, ["userPassword", "pwdPolicySubentry"])
    if found is None:
        raise TargetRefused(
            f'{session.attempt.who} sees no entry "{dn}"',
            hint=f'is it there, and may be read? access to dn.exact="{dn}" by dn.exact="{session.attempt.user}" read',
        )
    values = found.get("userpassword")
    policy = found.get("pwdpolicysubentry", ())
    return Entry(values=values or None, policy=policy[0].decode() if policy else None)
