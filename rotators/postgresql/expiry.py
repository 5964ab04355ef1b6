"""VALID UNTIL: the server refuses an expired password as it does a wrong one, and only the catalogue tells which."""

from rotator.sdk import LoginRefused
from rotators.postgresql.catalogue import Role, read_roles
from rotators.postgresql.quoting import identifier
from rotators.postgresql.session import Session


def expired_since(role: Role) -> str:
    """What to say of an expired role."""
    return f'the password of "{role.name}" has expired since {role.attributes.valid_until} (VALID UNTIL)'


def lift_expiry(username: str) -> str:
    """The statement that mends it."""
    return f"ALTER ROLE {identifier(username)} VALID UNTIL 'infinity'"


def certain(refusal: LoginRefused, *, username: str, admin: Session) -> LoginRefused:
    """The refusal of the user's login, as the catalogue explains it."""
    role = read_roles(admin, username).get(username)
    if role is None or not role.expired:
        return refusal
    return LoginRefused(expired_since(role), hint=lift_expiry(username))
