"""Rotations of Redis and Valkey users from end to end, on both stores."""

import pytest

from rotator.manager.settings import RotationOptions
from rotator.model.rotation import Status
from rotator.sdk import Candidate, Overlap, Rotation, TargetRefused
from rotators.redis.steps import RedisSteps
from tests.support.house import House
from tests.support.redis_server import RedisServer, User

ROTATOR = {"redis": "redis-acl", "valkey": "valkey"}


def user_in(house: House, name: str, stage: str = "AWSCURRENT") -> User:
    fields = house.fields(name, stage)
    return User(name=fields["username"], password=fields["password"])


@pytest.mark.parametrize("admin", [True, False], ids=["admin", "itself"])
def test_both_passwords_log_in_after_a_rotation(
    house: House, any_redis: RedisServer, admin: bool
) -> None:
    """AWSCURRENT and AWSPREVIOUS both log in after a rotation, and the overlap is recorded."""
    user = any_redis.new_user(rules=("~*", "&*", "+@all"))
    name = house.adopt(
        any_redis,
        user,
        rotator=ROTATOR[any_redis.engine],
        admin=any_redis.superuser if admin else None,
        options=RotationOptions(allow_privileged=True),
    )
    report = house.rotate(name)
    assert report.failure is None
    assert user_in(house, name, "AWSPREVIOUS") == user
    assert any_redis.can_log_in(user)
    assert any_redis.can_log_in(user_in(house, name))
    assert house.history(name)[0].overlap == Overlap.DUAL


def test_a_rotation_that_fails_after_the_change_is_put_back(
    house: House, any_redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the new password fails testSecret the old one is the only one again, and a later run succeeds."""
    user = any_redis.new_user()
    name = house.adopt(
        any_redis, user, rotator=ROTATOR[any_redis.engine], admin=any_redis.superuser
    )
    tried: list[User] = []

    def failing(steps: object, rotation: Rotation) -> None:
        del steps
        tried.append(user.with_password(rotation.value(Candidate.PENDING).fields()["password"]))
        raise TargetRefused("the application does not like it")

    with monkeypatch.context() as patch:
        patch.setattr(RedisSteps, "test_secret", failing)
        report = house.rotate(name)
    assert report.status is Status.FAILED
    assert len(any_redis.passwords(user)) == 1
    assert any_redis.can_log_in(user)
    assert not any_redis.can_log_in(tried[0])
    assert house.rotate(name).failure is None
