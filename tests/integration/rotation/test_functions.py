"""Rotations whose steps are those of a function that stores the value and moves the labels itself."""

from dataclasses import replace
from datetime import datetime

import pytest

from rotator.errors import AccessDenied, InvalidRequest
from rotator.model.caller import RotationRun
from rotator.model.rotation import Status
from rotator.rotation.engine import Engine
from rotator.rotation.hosting import Credentials, Hosting
from rotator.sdk import Authority, SecretValue, TargetUnreachable
from tests.support.functions import NAME, Invocation, Target, registry_with
from tests.support.house import House
from tests.support.manager import ME

STEPS = ["createSecret", "setSecret", "testSecret", "finishSecret"]


@pytest.fixture
def target(house: House) -> Target:
    return Target(password="password-1", manager=house.manager)


@pytest.fixture
def hosted(house: House, target: Target) -> House:
    """A house that knows the function."""
    return replace(house, registry=registry_with(target))


@pytest.fixture
def secret(hosted: House) -> str:
    value = SecretValue.from_json({"password": "password-1"})
    hosted.manager.create_secret(**ME, name="hosted", value=value)
    hosted.manager.set_rotation(
        **ME, secret_id="hosted", rotator=NAME, authority=_engine(hosted).claims(NAME, value)
    )
    return "hosted"


def _engine(house: House) -> Engine:
    host = Hosting(store=house.store, sealer=house.sealer, endpoint=None, issue=_issues_none)
    return house.engine(functions=lambda: host)


def test_a_function_rotates(hosted: House, target: Target, secret: str) -> None:
    """The four steps come in order with the token of one version, which is AWSCURRENT then and logs in."""
    report = hosted.rotate(secret, engine=_engine(hosted))
    assert report.status is Status.SUCCEEDED
    assert target.calls == [(step, report.token) for step in STEPS]
    assert hosted.fields(secret) == {"password": "password-2"} == {"password": target.password}
    assert hosted.fields(secret, "AWSPREVIOUS") == {"password": "password-1"}
    assert hosted.value_at(secret, "AWSPENDING") is None


def test_one_that_leaves_the_labels_alone_is_right_too(
    hosted: House, target: Target, secret: str
) -> None:
    """Where finishSecret moves nothing the engine moves AWSCURRENT."""
    target.moves = False
    assert hosted.rotate(secret, engine=_engine(hosted)).status is Status.SUCCEEDED
    assert hosted.fields(secret) == {"password": "password-2"}
    assert hosted.value_at(secret, "AWSPENDING") is None


def test_before_the_first_step_the_version_is_there_without_a_value(
    hosted: House, target: Target, secret: str
) -> None:
    """The function finds AWSPENDING on its token, and ResourceNotFound for the value."""
    seen: list[object] = []

    def look(invocation: Invocation) -> None:
        described = hosted.manager.describe_secret(**ME, secret_id=secret)
        seen.append(described.versions[invocation.run.token])
        seen.append(invocation.value("AWSPENDING", invocation.run.token))

    target.mishaps["createSecret"] = [look]
    hosted.rotate(secret, engine=_engine(hosted))
    assert seen == [("AWSPENDING",), None]


@pytest.mark.parametrize("step", STEPS)
def test_a_step_that_raises_is_repeated_with_the_same_token(
    hosted: House, target: Target, secret: str, step: str
) -> None:
    """After an exception all steps are invoked again for the same version, and no second value is made."""
    target.mishaps[step] = [_fails]
    report = hosted.rotate(secret, engine=_engine(hosted))
    assert report.status is Status.SUCCEEDED
    assert target.steps == STEPS[: STEPS.index(step) + 1] + STEPS
    assert {token for _, token in target.calls} == {report.token}
    assert hosted.fields(secret) == {"password": "password-2"} == {"password": target.password}


@pytest.mark.parametrize("step", STEPS)
def test_one_that_fails_for_good_ends_unverified(
    hosted: House, target: Target, secret: str, step: str
) -> None:
    """A function can't tell what lives, so AWSPENDING stays, and the next rotation takes the same token up."""
    target.mishaps[step] = [_fails] * 3
    report = hosted.rotate(secret, engine=_engine(hosted))
    assert report.status is Status.UNVERIFIED
    assert report.attempts == 3
    assert report.labels_after["AWSPENDING"] == report.token
    assert hosted.fields(secret) == {"password": "password-1"}
    again = hosted.rotate(secret, engine=_engine(hosted))
    assert (again.status, again.token) == (Status.SUCCEEDED, report.token)
    assert hosted.fields(secret) == {"password": "password-2"} == {"password": target.password}


def test_one_that_was_never_invoked_leaves_all_as_before(
    hosted: House, target: Target, secret: str
) -> None:
    """Where no function can be reached nothing has happened: the rotation failed and AWSPENDING is gone."""
    target.mishaps["createSecret"] = [_is_unreachable] * 3
    report = hosted.rotate(secret, engine=_engine(hosted))
    assert report.status is Status.FAILED
    assert hosted.value_at(secret, "AWSPENDING") is None
    assert "AWSPENDING" not in report.labels_after


def test_one_that_fails_after_the_label_moved_is_asked_again(
    hosted: House, target: Target, secret: str
) -> None:
    """After a finishSecret that moved AWSCURRENT and then raised, the same token ends the rotation."""

    def moves_and_fails(invocation: Invocation) -> None:
        invocation.finish()
        _fails(invocation)

    target.mishaps["finishSecret"] = [moves_and_fails]
    report = hosted.rotate(secret, engine=_engine(hosted))
    assert report.status is Status.SUCCEEDED
    assert hosted.fields(secret) == {"password": "password-2"}
    assert hosted.value_at(secret, "AWSPENDING") is None


@pytest.mark.parametrize("step", STEPS[:3])
def test_awscurrent_moves_after_a_passed_test_only(
    hosted: House, target: Target, secret: str, step: str
) -> None:
    """A function that moves AWSCURRENT before finishSecret is refused, and told why."""
    told = []

    def hurries(invocation: Invocation) -> None:
        if invocation.value("AWSPENDING", invocation.run.token) is None:
            invocation.put({"password": "password-2"})
        with pytest.raises(InvalidRequest, match="has not passed testSecret") as refusal:
            invocation.finish()
        told.append(str(refusal.value))

    target.mishaps[step] = [hurries]
    assert hosted.rotate(secret, engine=_engine(hosted)).status is Status.SUCCEEDED
    assert step in told[0]


def test_a_late_function_can_not_write(hosted: House, target: Target, secret: str) -> None:
    """After a takeover what an earlier invocation stores or moves is refused, by credentials and by RotationToken."""
    late: list[Invocation] = []

    def hangs(invocation: Invocation) -> None:
        late.append(invocation)
        _fails(invocation)

    def then(invocation: Invocation) -> None:
        with pytest.raises(InvalidRequest, match="was taken over"):
            late[0].put({"password": "late"})
        token = f"{late[0].run.rotation_id}-{late[0].run.fencing:06d}"
        with pytest.raises(InvalidRequest, match="was taken over"):
            hosted.manager.put_secret_value(
                **ME,
                secret_id=secret,
                value=SecretValue(string="late"),
                client_request_token=invocation.run.token,
                version_stages=["AWSPENDING"],
                rotation_token=token,
            )

    def moves_late(_: Invocation) -> None:
        with pytest.raises(InvalidRequest, match="was taken over"):
            late[0].finish()

    target.mishaps["createSecret"] = [hangs, then]
    target.mishaps["finishSecret"] = [moves_late]
    report = hosted.rotate(secret, engine=_engine(hosted))
    assert report.status is Status.SUCCEEDED
    assert hosted.fields(secret) == {"password": "password-2"}
    with pytest.raises(InvalidRequest, match="has ended"):
        late[0].put({"password": "late"}, client_request_token="0" * 32)
    with pytest.raises(InvalidRequest, match="has ended"):
        late[0].value("AWSCURRENT")


def test_a_function_stores_nothing_but_its_version(
    hosted: House, target: Target, secret: str
) -> None:
    """A value with AWSCURRENT, or under another token, and moves of other labels are refused."""

    def strays(invocation: Invocation) -> None:
        for changes in ({"version_stages": None}, {"client_request_token": "0" * 32}):
            with pytest.raises(InvalidRequest, match="its rotation's own version"):
                invocation.put({"password": "stray"}, **changes)
        with pytest.raises(InvalidRequest, match="AWSPENDING like this"):
            hosted.manager.update_secret_version_stage(
                **invocation.who,
                secret_id=secret,
                version_stage="AWSPENDING",
                remove_from_version_id=invocation.run.token,
            )

    target.mishaps["createSecret"] = [strays]
    assert hosted.rotate(secret, engine=_engine(hosted)).status is Status.SUCCEEDED


def test_what_it_says_while_it_makes_a_value_is_not_told(
    hosted: House, target: Target, secret: str
) -> None:
    """Of an exception in createSecret the class alone is told: its text may be the new value."""

    def blurts(_: Invocation) -> None:
        raise KeyError("issued-key-8472")

    target.mishaps["createSecret"] = [blurts] * 3
    report = hosted.rotate(secret, engine=_engine(hosted))
    assert report.failure is not None
    assert "KeyError" in report.failure.message
    assert "8472" not in str(report)


def _issues_none(run: RotationRun, until: datetime) -> Credentials:
    raise AssertionError(f"nothing here needs credentials for {run} until {until}")


def _fails(_: Invocation) -> None:
    raise ValueError("no such luck")


def _is_unreachable(_: Invocation) -> None:
    raise TargetUnreachable("nobody answers")


def test_a_function_may_touch_its_secret_alone(hosted: House, target: Target, secret: str) -> None:
    """Other secrets, and other operations on its own, are denied; passwords can be had, and the admin's value read."""
    other = hosted.manager.create_secret(**ME, name="other", value=SecretValue(string="other"))
    admin = hosted.manager.create_secret(
        **ME, name="hosted-admin", value=SecretValue(string="admin's")
    )

    def strays(invocation: Invocation) -> None:
        who, manager = invocation.who, hosted.manager
        for denied in (
            lambda: manager.get_secret_value(**who, secret_id=other.arn),
            lambda: manager.describe_secret(**who, secret_id=other.arn),
            lambda: manager.delete_secret(**who, secret_id=secret),
            lambda: manager.update_secret(**who, secret_id=secret, description="mine"),
            lambda: manager.list_secrets(**who),
            lambda: manager.put_secret_value(
                **who, secret_id=admin.arn, value=SecretValue(string="mine")
            ),
        ):
            with pytest.raises(AccessDenied):
                denied()
        manager.get_random_password(**who)
        assert manager.get_secret_value(**who, secret_id=admin.arn).value.string == "admin's"
        last.append(invocation)

    last: list[Invocation] = []
    hosted.manager.set_rotation(
        **ME, secret_id=secret, rotator=NAME, authority=Authority(admin=admin.arn)
    )
    hosted.manager.put_secret_value(
        **ME,
        secret_id=secret,
        value=SecretValue.from_json({"password": "password-1", "masterarn": admin.arn}),
    )
    target.mishaps["createSecret"] = [strays]
    report = hosted.rotate(secret, engine=_engine(hosted))
    assert report.status is Status.SUCCEEDED, report.failure
    assert target.steps == STEPS
    with pytest.raises(InvalidRequest, match="has ended"):
        hosted.manager.get_secret_value(**last[0].who, secret_id=admin.arn)


def test_the_plan_says_who_does_what(hosted: House, secret: str) -> None:
    """`rotate plan` tells that the function stores, sets and tests, and promises no login of the engine's own."""
    plan = _engine(hosted).plan(secret, **ME)
    assert not plan.refused
    assert [step.split(":")[0] for step in plan.steps] == STEPS
    assert "the function stores the value" in plan.steps[0]
    assert "log in" not in " ".join(plan.steps)
