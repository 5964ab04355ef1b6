"""Rotations of Redis and Valkey users from end to end, on both stores."""

import pytest

from rotator.errors import RotationInProgress
from rotator.manager.settings import RotationOptions
from rotator.model.rotation import Status
from rotator.sdk import Candidate, Overlap, Rotation, TargetRefused
from rotators.redis.steps import RedisSteps
from tests.support.house import House
from tests.support.manager import ME
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


def test_the_old_password_is_retired_after_its_grace_period(
    house: House, any_redis: RedisServer
) -> None:
    """Within it no rotation begins; `retire` leaves the new password alone, and a grace period of 0 does so at once."""
    user = any_redis.new_user()
    rotator, admin = ROTATOR[any_redis.engine], any_redis.superuser
    name = house.adopt(any_redis, user, rotator=rotator, admin=admin)
    assert house.rotate(name).status is Status.GRACE
    with pytest.raises(RotationInProgress, match="--end-grace"):
        house.rotate(name)
    assert any_redis.can_log_in(user)

    retired = house.engine().retire(name, **ME)

    assert retired is not None
    assert (retired.status, retired.failure) == (Status.SUCCEEDED, None)
    second = user_in(house, name)
    assert [any_redis.can_log_in(each) for each in (user, second)] == [False, True]
    assert len(any_redis.passwords(second)) == 1

    at_once = house.with_policy(grace_of={house.registry.resolve(rotator).name: 0.0})
    assert at_once.rotate(name).status is Status.SUCCEEDED
    third = user_in(house, name)
    assert [any_redis.can_log_in(each) for each in (second, third)] == [False, True]
    assert len(any_redis.passwords(third)) == 1
    assert [row.retired for row in house.history(name)] == [True, True]


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
