"""What testSecret asserts of a login of one of two alternating users."""

from collections.abc import Mapping

from rotator.sdk import TargetRefused
from rotators.postgresql.catalogue import read_roles
from rotators.postgresql.clone_facts import RoleSettings, read_protected, read_settings
from rotators.postgresql.identity import Identity, read_identity
from rotators.postgresql.quoting import identifier
from rotators.postgresql.role_settings import acting_role, clone_settings, settings_to_change
from rotators.postgresql.secret import DatabaseSecret, user_pair
from rotators.postgresql.session import Session
from rotators.postgresql.statement_failure import explained


def check_clone_session(session: Session, pending: DatabaseSecret) -> None:
    """Assert that the session of the pending user can do what one of the original can.

    A clone that lost its membership still logs in, with a mere warning; what tells is the role that it acts as.

    Raises:
        TargetRefused: it can't; the message says what is missing.
    """
    original, clone = user_pair(pending.username)
    identity = read_identity(session)
    with explained("reading the settings of both users"):
        settings = read_settings(session, original, clone)
    expected = acting_role(settings[original], user=original, database=identity.database)
    _check_identity(identity, pending.username, expected)
    roles = read_roles(session, original, pending.username)
    missing = (
        roles.by_name[original].may_act_as
        - roles.by_name[pending.username].may_act_as
        - {pending.username}
    )
    if missing and not roles.by_name[pending.username].attributes.superuser:
        raise TargetRefused(
            f'"{pending.username}" is no member of {", ".join(sorted(missing))}, as "{original}" is'
        )
    if pending.username == clone:
        with explained("reading which settings are a superuser's"):
            protected = read_protected(session, roles, settings)
        _check_settings(original, clone, settings, protected)


def _check_settings(
    original: str, clone: str, settings: Mapping[str, RoleSettings], protected: frozenset[str]
) -> None:
    """Preflight warned of protected ones, as those of logging, that the admin may not copy."""
    wanted = clone_settings(original, settings[original])
    differing = {name for _, name in settings_to_change(wanted, settings[clone])} - protected
    if differing:
        raise TargetRefused(
            f'the settings {", ".join(sorted(differing))} of "{clone}" are not those of "{original}"',
            hint="they were changed meanwhile; the next attempt copies them again",
        )


def _check_identity(identity: Identity, user: str, expected: str) -> None:
    if identity.session_user != user:
        raise TargetRefused(f'the login of "{user}" is one of "{identity.session_user}"')
    if identity.current_user != expected:
        raise TargetRefused(
            f'"{user}" logs in but acts as "{identity.current_user}" instead of "{expected}"',
            hint=f"GRANT {identifier(expected)} TO {identifier(user)}; "
            f"ALTER ROLE {identifier(user)} SET role = {identifier(expected)}",
        )
    if not identity.may_connect:
        raise TargetRefused(
            f'"{expected}" has no CONNECT on the database "{identity.database}"',
            hint=f"GRANT CONNECT ON DATABASE {identifier(identity.database)} TO {identifier(expected)}",
        )
