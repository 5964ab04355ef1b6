"""What preflight says about an original user and its clone. Pure: facts in, findings out."""

from collections.abc import Iterator, Sequence

from rotator.sdk import Finding
from rotators.databases import finding
from rotators.mysql_protocol.accounts import A
from rotators.mysql_protocol.comparison import Compared
from rotators.mysql_protocol.definers import Defined
from rotators.mysql_protocol.following import grant_of
from rotators.mysql_protocol.granting import may_grant
from rotators.mysql_protocol.held import Held
from rotators.mysql_protocol.pairs import Pairs
from rotators.mysql_protocol.quoting import literal
from rotators.mysql_protocol.secret import MysqlSecret

_NAMED = 5
"""Objects that a message names; the rest is counted."""


def clone_findings(
    pairs: Pairs[A],
    compared: Sequence[Compared[A]],
    *,
    named: bool,
    secrets: Sequence[MysqlSecret],
) -> Iterator[Finding]:
    """Whether the clone's accounts are clones.

    Args:
        pairs: the accounts.
        compared: the chosen ones.
        named: a stored value is the clone's, so an earlier rotation made it.
        secrets: the stored values, the pending one too.
    """
    passwords = {secret.password for secret in secrets if secret.username == pairs.clone}
    missing = [each.clone_name for each in compared if each.have is None]
    if missing:
        yield finding.ok(
            f"the clone {', '.join(missing)} will be made, locked until all else holds"
        )
    for each in compared:
        clone = each.pair.clone
        if clone is None or named or clone.locked or not list(each.differences()):
            continue
        if not any(clone.accepts(password) for password in passwords):
            yield finding.refusal(
                f"there is an account {each.clone_name}, and nothing shows that it is a clone of "
                f"{each.pair.original.name}: it may do other things, nobody locked it, and no stored value is its own",
                f"if it is meant to be one: ALTER USER {each.clone_name} ACCOUNT LOCK, and the rotation takes it over; "
                f"else: RENAME USER {each.clone_name} TO <another name>",
            )
    for left in pairs.leftovers:
        if not left.locked:
            taken = any(map(left.accepts, passwords))
            fate = "its password goes with the clone's" if taken else "it stays as it is"
            yield finding.warning(
                f"the clone has an account {left.name}, where the original has none that rotates; {fate}",
                f"if nobody needs it: DROP USER {left.name}",
            )


def following_findings(
    compared: Sequence[Compared[A]], admins: frozenset[Held], *, admin: str, clone_in_use: bool
) -> Iterator[Finding]:
    """Whether the clone can be made the same as the original.

    Args:
        compared: the pairs.
        admins: what the admin holds.
        admin: its account, quoted.
        clone_in_use: AWSCURRENT is the clone's.
    """
    for each in compared:
        missing = [held for held in sorted(each.lacking) if not may_grant(admins, held)]
        if missing:
            yield finding.refusal(
                f"the admin user {admin} may not pass on to the clone what {each.pair.original.name} has: "
                + ", ".join(map(str, missing)),
                "; ".join(grant_of(held, account=admin) for held in missing)
                + f"; or, where nobody needs it, REVOKE it from {each.pair.original.name}",
            )
        if each.gone:
            yield finding.warning(
                f"{each.pair.original.name} has privileges on something that isn't there, which can't be granted: "
                + ", ".join(map(str, sorted(each.gone))),
                "make it again, or REVOKE them",
            )
        if clone_in_use and each.beyond:
            yield finding.warning(
                f"{each.clone_name}, which is in use, has more than {each.pair.original.name}, and this rotation takes "
                f"it away: {', '.join(map(str, sorted(each.beyond)))}",
                f"if the application needs it, grant it to {each.pair.original.name}, which the clone follows",
            )


def definer_findings(defined: Sequence[Defined], *, clone: str, original: str) -> Iterator[Finding]:
    """Which objects run with the clone's rights."""
    if not defined:
        return
    named = ", ".join(map(str, defined[:_NAMED]))
    more = f" and {len(defined) - _NAMED} more" if len(defined) > _NAMED else ""
    yield finding.warning(
        f'the clone "{clone}" is the definer of {len(defined)} objects: {named}{more}; they run with its rights, go on '
        "to while it can't log in, and break only where it is dropped",
        f"make them anew with DEFINER = {literal(original)}@<host>, or let migrations run as a user of their own",
    )
