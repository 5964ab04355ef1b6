"""What `rotation set` pins: only what is new, or what a person says was changed on purpose."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rotator.cli.session import Session
from rotator.errors import ConfigurationError, ResourceNotFound
from rotator.sdk import Authority, SecretValue

if TYPE_CHECKING:
    from rotator.manager.results import SecretDescription


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminChoice:
    """What was said about the admin secret.

    Attributes:
        named: its name or ARN.
        dropped: the credential changes itself from now on.
    """

    named: str | None
    dropped: bool


def to_pin(
    session: Session, secret: "SecretDescription", *, rotator: str, admin: AdminChoice, again: bool
) -> Authority | None:
    """What has to be pinned; None where what is pinned stays.

    It is pinned at first, and where rotator or admin secret become others. Whoever may write the value must not be
    able to have it pinned by a command that is merely repeated: where the value no longer names what is pinned, a
    person has to say so.

    Args:
        rotator: the one that is chosen now.
        again: pin whatever the value names.

    Raises:
        ConfigurationError: what was said of the admin secret contradicts the value.
        Misconfigured: the value disagrees with what is pinned, or doesn't fit the rotator.
    """
    value = session.manager.get_secret_value(
        caller=session.caller, request_id=session.request_id, secret_id=secret.arn
    ).value
    settings = secret.rotation
    pinned = None if settings is None else settings.authority
    if settings is not None and pinned is not None and not again:
        other_admin = _is_other(session, admin, pinned)
        _require_agreement(
            session, secret, settings.rotator, value, pinned, whoever_is_admin=other_admin
        )
        if not other_admin and not is_other_rotator(session, settings.rotator, rotator):
            return None
    return _claimed(session, rotator=rotator, value=value, admin=admin, pinned=pinned)


def _is_other(session: Session, admin: AdminChoice, pinned: Authority) -> bool:
    if admin.dropped:
        return pinned.admin is not None
    return admin.named is not None and _arn(session, admin.named) != pinned.admin


def is_other_rotator(session: Session, before: str, after: str) -> bool:
    """Whether two names or ARNs stand for different rotators.

    Raises:
        ResourceNotFound: one of them isn't installed.
    """
    return before != after and (
        session.registry.resolve(before).name != session.registry.resolve(after).name
    )


def _require_agreement(
    session: Session,
    secret: "SecretDescription",
    rotator: str,
    value: SecretValue,
    pinned: Authority,
    *,
    whoever_is_admin: bool,
) -> None:
    from rotator.rotation.authority import require_agreement

    try:
        claimed = session.engine.claims(rotator, value)
    except ResourceNotFound:
        raise ConfigurationError(
            f"{rotator}, which rotated {secret.name} until now, isn't installed any more, so what is pinned can't be "
            "compared with the value. If its server and users are right, pin them: --pin"
        ) from None
    require_agreement(
        claimed=replace(claimed, admin=None) if whoever_is_admin else claimed, pinned=pinned
    )


def _claimed(
    session: Session,
    *,
    rotator: str,
    value: SecretValue,
    admin: AdminChoice,
    pinned: Authority | None,
) -> Authority:
    """What the value names, with the admin secret that was chosen."""
    claimed = session.engine.claims(rotator, value)
    kept = None if pinned is None or admin.dropped else pinned.admin
    chosen = admin.named or claimed.admin or kept
    if admin.dropped and chosen is not None:
        raise ConfigurationError(
            f"--no-admin, but the admin secret {chosen} is named by --admin or by the value's "
            "masterarn. Take it out there: rotate secret put"
        )
    if admin.named and claimed.admin and _arn(session, admin.named) != _arn(session, claimed.admin):
        raise ConfigurationError(
            f"The value's masterarn names the admin secret {claimed.admin}, and --admin {admin.named}. "
            "Leave --admin out, or put a value that agrees: rotate secret put"
        )
    return replace(claimed, admin=chosen)


def _arn(session: Session, secret_id: str) -> str:
    return session.manager.describe_secret(
        caller=session.caller, request_id=session.request_id, secret_id=secret_id
    ).arn
