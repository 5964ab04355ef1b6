"""Whether a secret's JSON agrees with what `rotation set` pinned.

Whoever may write a secret must not be able to point an admin at another user or a password at another host (DESIGN,
Authority), so the comparison comes before the first connection.
"""

from rotator.model.names import parse_secret_id, split_suffix
from rotator.sdk import Authority, Misconfigured


def require_agreement(*, claimed: Authority, pinned: Authority) -> None:
    """Compares what a value claims with what was pinned.

    Raises:
        Misconfigured: they differ; the message names the field and both sides.
    """
    strangers = sorted(set(claimed.users) - set(pinned.users))
    differences = [
        f"{field} {claimed_value!r} where {pinned_value!r} was pinned"
        for field, claimed_value, pinned_value in (
            ("host", _host(claimed.host), _host(pinned.host)),
            ("port", claimed.port, pinned.port),
        )
        if claimed_value != pinned_value
    ]
    if strangers or (not claimed.users and pinned.users):
        differences.append(
            f"user {', '.join(strangers) or 'none'!r} where {', '.join(pinned.users)!r} was pinned"
        )
    if claimed.admin is not None and not _same_secret(claimed.admin, pinned.admin):
        differences.append(
            f"masterarn {claimed.admin!r} where {pinned.admin or 'none'!r} was pinned"
        )
    if differences:
        raise Misconfigured(
            f"the secret's JSON disagrees with its rotation settings: it names {'; '.join(differences)}",
            hint="put the JSON right with `rotate secret put`, or, if the change is meant, pin it again with "
            "`rotate rotation set SECRET --pin`",
        )


def _host(host: str | None) -> str | None:
    return None if host is None else host.lower().rstrip(".")


def _same_secret(claimed: str, pinned: str | None) -> bool:
    """A `masterarn` may be the full ARN, the ARN without its six characters, or the name."""
    if pinned is None:
        return False
    if claimed == pinned:
        return True
    split = split_suffix(pinned)
    if split is None:
        return False
    bare = split_suffix(parse_secret_id(pinned).name)
    return claimed == split[0] or (bare is not None and claimed == bare[0])
