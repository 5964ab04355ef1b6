"""RotateSecret with RotateImmediately=false and a rotation function: testSecret alone, on a temporary version."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from rotator.errors import InvalidRequest, ResourceExists
from rotator.manager.auditing import Auditing
from rotator.model.caller import RotationRun
from rotator.model.rotation import Status
from rotator.rotation.engine import Engine
from rotator.rotation.hosting import Credentials, Hosting
from rotator.rotation.records import rotations_of
from rotator.rotation.report import Report
from rotator.sdk import SecretValue
from rotator.store.audit_rows import differences
from rotator.store.audit_search import AuditFilter
from tests.support.functions import NAME, Invocation, Target, registry_with
from tests.support.house import House
from tests.support.manager import ME, THE_ENGINE

TOKEN = "5e51c0de-0000-4000-8000-000000000001"
STEPS = ["createSecret", "setSecret", "testSecret", "finishSecret"]
VALUE = {"password": "password-1"}


@pytest.fixture
def target(house: House) -> Target:
    return Target(password="password-1", manager=house.manager)


@pytest.fixture
def hosted(house: House, target: Target) -> House:
    """A house that knows the function, and a secret that has just got it."""
    made = replace(house, registry=registry_with(target))
    value = SecretValue.from_json(VALUE)
    made.manager.create_secret(**ME, name="hosted", value=value)
    made.manager.set_rotation(
        **ME, secret_id="hosted", rotator=NAME, authority=_engine(made).claims(NAME, value)
    )
    return made


def _engine(house: House) -> Engine:
    host = Hosting(store=house.store, sealer=house.sealer, endpoint=None, issue=_issues_none)
    return house.engine(functions=lambda: host, parks=True)


def _issues_none(run: RotationRun, until: datetime) -> Credentials:
    raise AssertionError(f"nothing here needs credentials for {run} until {until}")


def _ask(house: House, token: str = TOKEN, *, immediately: bool = False) -> None:
    """RotateSecret, as the API has it done."""
    engine = _engine(house)
    then = engine.requested(token) if immediately else engine.requested_test(token)
    house.manager.set_rotation(**ME, secret_id="hosted", then=then)


def _tested(house: House) -> Report:
    report = _engine(house).run_due("hosted", **THE_ENGINE)
    assert report is not None
    assert report.only_tested
    return report


def _events(house: House) -> list[str]:
    """What the audit has of tests and rotations, oldest first; and it is true to the rows."""
    auditing = Auditing(house.store)
    assert not auditing.verify(**ME).faults
    assert [found for found in differences(house.store) if found is not None] == []
    secret = house.manager.describe_secret(**ME, secret_id="hosted").arn
    page = auditing.show(**ME, where=AuditFilter(secret=secret), limit=100)
    return [record.event for record in reversed(page.records) if "Rotation" in record.event]


def _nothing_left(house: House, before: dict[str, str], target: Target) -> None:
    assert house.labels("hosted") == before
    assert house.version_ids("hosted") == set(before.values())
    assert target.password == "password-1"
    assert house.fields("hosted") == VALUE
    rotation = house.manager.describe_secret(**ME, secret_id="hosted").rotation
    assert rotation is not None
    assert rotation.rotated_at is None


def test_it_is_invoked_for_its_test_alone(hosted: House, target: Target) -> None:
    """It finds the current value at AWSPENDING, under its token; afterwards everything is as before."""
    before = hosted.labels("hosted")
    seen: list[object] = []

    def look(invocation: Invocation) -> None:
        seen.append(hosted.labels("hosted"))
        seen.append(invocation.value("AWSPENDING", invocation.run.token))

    target.mishaps["testSecret"] = [look]
    _ask(hosted)
    assert hosted.labels("hosted") == before, "nothing is there before it is needed"
    report = _tested(hosted)
    assert (report.status, report.failure) == (Status.SUCCEEDED, None)
    assert target.calls == [("testSecret", TOKEN)]
    assert seen == [{**before, "AWSPENDING": TOKEN}, VALUE]
    _nothing_left(hosted, before, target)
    assert _events(hosted) == ["TestRotationStarted", "TestRotationSucceeded"]
    assert _engine(hosted).run_due("hosted", **THE_ENGINE) is None


def test_a_failed_test_is_told(hosted: House, target: Target) -> None:
    """The reason is in the report, in the audit and in what `rotate status` shows; it is tried once."""
    before = hosted.labels("hosted")
    target.password = "another"
    _ask(hosted)
    report = _tested(hosted)
    assert report.status is Status.FAILED
    assert report.failure is not None
    assert "failed in testSecret with AssertionError" in report.failure.message
    assert target.steps == ["testSecret"]
    target.password = "password-1"
    _nothing_left(hosted, before, target)
    assert _events(hosted) == ["TestRotationStarted", "TestRotationFailed"]
    shown = rotations_of(hosted.store, "hosted", **ME, limit=1)
    assert shown.rotations == ()
    assert shown.tested is not None
    assert shown.tested.failure == report.failure


def test_it_can_write_nothing(hosted: House, target: Target) -> None:
    """A function that stores a value, or moves a label, in a test is refused, and the test goes on."""
    before = hosted.labels("hosted")

    def writes(invocation: Invocation) -> None:
        with pytest.raises(ResourceExists):
            invocation.put({"password": "its own"})
        with pytest.raises(InvalidRequest, match="its rotation's own version"):
            invocation.put({"password": "its own"}, client_request_token="0" * 32)
        with pytest.raises(InvalidRequest, match="has not passed testSecret"):
            invocation.finish()
        with pytest.raises(InvalidRequest, match="AWSPENDING like this"):
            hosted.manager.update_secret_version_stage(
                **invocation.who,
                secret_id="hosted",
                version_stage="AWSPENDING",
                remove_from_version_id=TOKEN,
            )

    target.mishaps["testSecret"] = [writes]
    _ask(hosted)
    report = _tested(hosted)
    assert report.status is Status.SUCCEEDED, report.failure
    _nothing_left(hosted, before, target)


def test_it_disturbs_no_rotation(hosted: House, target: Target) -> None:
    """While a rotation is under way, or has left AWSPENDING, a test is refused in AWS's words."""

    def meanwhile(_: Invocation) -> None:
        with pytest.raises(InvalidRequest, match="A previous rotation isn't complete"):
            _ask(hosted)
        raise ValueError("no such luck")

    target.mishaps["setSecret"] = [meanwhile, meanwhile, meanwhile]
    report = hosted.rotate("hosted", engine=_waiting_engine(hosted))
    assert report.status is Status.UNVERIFIED
    with pytest.raises(InvalidRequest, match="A previous rotation isn't complete"):
        _ask(hosted)
    again = hosted.rotate("hosted", engine=_waiting_engine(hosted))
    assert (again.status, again.token) == (Status.SUCCEEDED, report.token)
    assert "testSecret" in target.steps


def _waiting_engine(house: House) -> Engine:
    host = Hosting(store=house.store, sealer=house.sealer, endpoint=None, issue=_issues_none)
    return house.engine(functions=lambda: host)


@pytest.mark.parametrize("begun", [False, True])
def test_a_rotation_takes_the_place_of_a_test(
    hosted: House, target: Target, *, begun: bool
) -> None:
    """RotateSecret need not wait for a test: that ends, late or not begun, and its function can't write any more."""
    late: list[Invocation] = []

    def overtaken(invocation: Invocation) -> None:
        late.append(invocation)
        _ask(hosted, TOKEN, immediately=True)

    _ask(hosted)
    if begun:
        target.mishaps["testSecret"] = [overtaken]
        assert _tested(hosted).status is Status.ABANDONED
        with pytest.raises(InvalidRequest, match="was taken over"):
            late[0].put(VALUE)
    else:
        _ask(hosted, TOKEN, immediately=True)
    report = _engine(hosted).run_due("hosted", **THE_ENGINE)
    assert report is not None
    assert (report.status, report.token, report.only_tested) == (Status.SUCCEEDED, TOKEN, False)
    assert target.steps[-4:] == STEPS
    assert hosted.fields("hosted") == {"password": "password-2"} == {"password": target.password}
    assert _events(hosted) == [
        "TestRotationStarted",
        "TestRotationFailed",
        "RotationStarted",
        "RotationSucceeded",
    ]


def test_rotate_now_needs_no_daemon_for_what_was_asked(hosted: House, target: Target) -> None:
    """`rotate now` has the test that waits made, then rotates."""
    _ask(hosted)
    report = hosted.rotate("hosted", engine=_engine(hosted))
    assert (report.status, report.only_tested) == (Status.SUCCEEDED, False)
    assert target.steps == ["testSecret", *STEPS]


def _put(house: House) -> None:
    house.manager.put_secret_value(
        **ME, secret_id="hosted", value=SecretValue.from_json(VALUE), client_request_token="a" * 32
    )


def _cancel(house: House) -> None:
    house.manager.cancel_rotation(**ME, secret_id="hosted")


def _delete(house: House) -> None:
    house.manager.delete_secret(**ME, secret_id="hosted")


def _stage(house: House) -> None:
    house.manager.update_secret_version_stage(
        **ME,
        secret_id="hosted",
        version_stage="AWSCURRENT",
        move_to_version_id=TOKEN,
        remove_from_version_id=house.labels("hosted")["AWSCURRENT"],
    )


@pytest.mark.parametrize("change", [_put, _cancel, _delete, _stage])
def test_what_is_done_from_outside_ends_it(
    hosted: House, target: Target, change: Callable[[House], Any]
) -> None:
    """A put, a cancellation, a deletion or a move of AWSCURRENT while it runs holds, and the temporary version goes."""
    target.mishaps["testSecret"] = [lambda _: change(hosted)]
    _ask(hosted)
    report = _tested(hosted)
    assert report.status is Status.ABANDONED
    labels = hosted.labels("hosted")
    assert "AWSPENDING" not in labels
    assert hosted.version_ids("hosted") == set(labels.values())
    assert (labels["AWSCURRENT"] == TOKEN) == (change is _stage)
    assert _events(hosted) == ["TestRotationStarted", "RotationAbandoned", "TestRotationFailed"]


def test_giving_it_up_is_told(hosted: House, target: Target) -> None:
    """`rotate abort` ends a test that waits, without invoking anything."""
    before = hosted.labels("hosted")
    _ask(hosted)
    report = _engine(hosted).abort("hosted", **ME)
    assert report is not None
    assert (report.status, report.only_tested) == (Status.FAILED, True)
    assert target.calls == []
    _nothing_left(hosted, before, target)


def test_it_hides_no_rotation(hosted: House, target: Target) -> None:
    """After a test the rotation before it is still the last one, and the next counts on from both."""
    first = hosted.rotate("hosted", engine=_engine(hosted))
    _ask(hosted)
    assert _tested(hosted).status is Status.SUCCEEDED
    shown = rotations_of(hosted.store, "hosted", **ME, limit=1)
    assert [record.rotation_id for record in shown.rotations] == [first.rotation_id]
    assert not _engine(hosted).plan("hosted", **ME).resumes
    assert hosted.rotate("hosted", engine=_engine(hosted)).status is Status.SUCCEEDED
    rotated, tested, before = [row.fencing for row in hosted.history("hosted")]
    assert rotated > tested > before
    assert target.steps == [*STEPS, "testSecret", *STEPS]
