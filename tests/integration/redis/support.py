"""Values of Redis users, for rotations that are driven verb by verb."""

from typing import Any

from rotator.sdk import Candidate, Overlap, Rotation, Rotator, SecretValue
from rotators.redis import RedisAcl
from tests.support.redis_server import RedisServer, User
from tests.support.rotations import Values, attempt, with_pending
from tests.support.rotations import rotation_of as any_rotation_of


def rotation_of(values: Values, **fields: Any) -> Rotation:
    """A rotation of these values, with the settings of Redis."""
    return any_rotation_of(values, kind=RedisAcl, **fields)


def value(server: RedisServer, user: User, *, tls: bool = False, **fields: Any) -> SecretValue:
    """The user's secret; further fields replace or, with None, remove what it has."""
    parsed = server.secret_value(user, tls=tls) | fields
    return SecretValue.from_json(
        {name: field for name, field in parsed.items() if field is not None}
    )


def pending_of(server: RedisServer, user: User, *, tls: bool = False, **fields: Any) -> Values:
    """The values of a secret that was never rotated, with a new pending one, which no server knows yet."""
    return with_pending(RedisAcl, {Candidate.CURRENT: value(server, user, tls=tls, **fields)})


def by_admin(
    server: RedisServer, admin: User | None = None, *, tls: bool = False
) -> dict[str, Any]:
    """A rotation's fields for changes by the admin, the superuser by default."""
    return {"admin": value(server, admin or server.superuser, tls=tls)}


def user_of(values: Values, candidate: Candidate) -> User:
    """The user and password that a value holds."""
    fields = values[candidate].fields()
    return User(name=fields["username"], password=fields["password"])


def both(values: Values) -> tuple[User, User]:
    """The current and the pending credential."""
    return user_of(values, Candidate.CURRENT), user_of(values, Candidate.PENDING)


def step(values: Values, **fields: Any) -> Rotation:
    return rotation_of(values, **{"overlap": Overlap.DUAL} | fields)


def set_and_test(values: Values, kind: type[Rotator] = RedisAcl, **fields: Any) -> None:
    """Preflight, setSecret and testSecret, which have to succeed."""
    with attempt(kind) as rotator:
        found = rotator.preflight(rotation_of(values, **fields))
        assert not found.refusals, found
        assert found.overlap is Overlap.DUAL
        rotator.set_secret(step(values, **fields))
        rotator.test_secret(step(values, **fields))


def retire(values: Values, **fields: Any) -> None:
    """The retirement of the current value, after a rotation to the pending one."""
    with attempt(RedisAcl) as rotator:
        rotator.retire_secret(step(values, live=Candidate.PENDING, **fields))
