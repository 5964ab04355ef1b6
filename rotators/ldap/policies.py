"""What the password policies of the overlay ppolicy mean for a rotation. Source: slapo-ppolicy(5)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rotator.sdk import Finding
from rotators.databases import finding
from rotators.ldap.entry import Entry
from rotators.ldap.session import Session

FAILURES = 3
"""Failed binds in a row that a rotation may need: the values that may live, and a random one."""

_ATTRIBUTES = ("pwdLockout", "pwdMaxFailure", "pwdSafeModify", "pwdCheckQuality")
_OVERLAY = "1.3.6.1.4.1.42.2.27.8.5.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One policy.

    Attributes:
        limit: failed binds that lock an entry, 0 for none.
        safe_modify: a user's own change has to name the old password.
        refuses_hashes: the quality of every password is checked, and of a hash it can't be.
    """

    dn: str
    limit: int
    safe_modify: bool
    refuses_hashes: bool


def read_policies(session: Session) -> tuple[Policy, ...] | None:
    """The policies that the session sees; None where the server has no overlay for them."""
    root = session.read("", ["supportedControl", "namingContexts"]) or {}
    if _OVERLAY.encode() not in root.get("supportedcontrol", ()):
        return None
    return tuple(
        _policy(found)
        for context in root.get("namingcontexts", ())
        for found in session.search(context.decode(), "(objectClass=pwdPolicy)", _ATTRIBUTES)
    )


def _policy(found: Mapping[str, tuple[bytes, ...]]) -> Policy:
    def one(name: str) -> str:
        return found.get(name.lower(), (b"",))[0].decode().upper()

    limit = one("pwdMaxFailure")
    return Policy(
        dn=found["dn"][0].decode(),
        limit=int(limit) if one("pwdLockout") == "TRUE" and limit.isdigit() else 0,
        safe_modify=one("pwdSafeModify") == "TRUE",
        refuses_hashes=one("pwdCheckQuality") == "2",
    )


def policy_findings(
    policies: Sequence[Policy] | None, entry: Entry, *, by_admin: bool
) -> Iterator[Finding]:
    """What stands in the way; of a policy that may not be the entry's it is only said."""
    if policies is None:
        return
    named = [each for each in policies if entry.policy and each.dn.lower() == entry.policy.lower()]
    applying = named or policies
    if not applying:
        yield finding.warning(
            "the server has password policies, and the session sees none of them: failed binds may lock the entry",
            "let it read them: access to filter=(objectClass=pwdPolicy) by … read",
        )
    say = finding.refusal if named or len(policies) == 1 else finding.warning
    for each in applying:
        if 0 < each.limit <= FAILURES:
            yield say(
                f'the policy "{each.dn}" locks an entry after {each.limit} failed binds, and finding out which '
                f"password lives after a crash may take {FAILURES}",
                f"let its pwdMaxFailure be {FAILURES + 1} or more",
            )
        if each.refuses_hashes:
            yield say(
                f'the policy "{each.dn}" refuses every hash (pwdCheckQuality 2), and clear text would be in the '
                "directory and its logs",
                "let its pwdCheckQuality be 1",
            )
        if each.safe_modify:
            yield (finding.warning if by_admin else say)(
                f'the policy "{each.dn}" wants the old password to go with a change (pwdSafeModify), so that there is '
                "no second one; the root DN alone may do without",
                "let its pwdSafeModify be FALSE, or name the root DN's secret in masterarn",
            )
