"""Keys that their service issues: the intent is committed first, and after any crash no key is lost or left over."""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from rotator.manager.auditing import Auditing
from rotator.model.caller import Caller, CallerKind
from rotator.model.rotation import Status
from rotator.sdk import Rotation, Rotator, SecretValue, TargetRefused
from rotator.testing.conformance import ConformanceTarget, RotatorConformance
from rotator.testing.conformance.around import around
from rotator.testing.conformance.bench import Bench
from rotator.testing.conformance.killing import Killer
from tests.support.api_keys import ApiKeys
from tests.support.key_server import KeyServer, running_key_server


class KeyTarget(ConformanceTarget):
    """Accounts of the service; those of a prefix are given the same key again for the same token."""

    def __init__(self, server: KeyServer, prefix: str) -> None:
        self._server = server
        self._prefix = prefix

    def new_credential(self, name: str) -> SecretValue:
        name = f"{self._prefix}{name}"
        _, made = self._server.request("POST", "/accounts", body={"name": name})
        return SecretValue.from_json(
            {
                "host": "127.0.0.1",
                "port": self._server.port,
                "username": name,
                "id": made["id"],
                "password": made["key"],
            }
        )

    def logs_in(self, value: SecretValue) -> bool:
        return self._server.request("GET", "/me", key=value.fields()["password"])[0] == 200

    def key_ids(self, value: SecretValue) -> list[str]:
        """The keys of the account, as one of them sees them."""
        _, keys = self._server.request("GET", "/keys", key=value.fields()["password"])
        return [key["id"] for key in keys]


_WHO: dict[str, Any] = {
    "caller": Caller(
        kind=CallerKind.LOCAL, name="outsider", account="123456789012", region="eu-central-1"
    ),
    "request_id": "outside",
}


def _put(bench: Bench, name: str) -> None:
    """A person edits the JSON: another version, the same key."""
    value = bench.value(name)
    assert value is not None
    bench.put(name, SecretValue.from_json(value.fields() | {"note": "edited"}))


def _cancel(bench: Bench, name: str) -> None:
    bench.manager.cancel_rotation(**_WHO, secret_id=name)


def _delete(bench: Bench, name: str) -> None:
    bench.manager.delete_secret(**_WHO, secret_id=name)
    bench.manager.restore_secret(**_WHO, secret_id=name)


each_change = pytest.mark.parametrize("change", [_put, _cancel, _delete])


@pytest.fixture(scope="module")
def key_server() -> Iterator[KeyServer]:
    with running_key_server() as server:
        yield server


class _Issued(RotatorConformance):
    rotator = ApiKeys
    prefix: str

    @pytest.fixture
    def target(self, key_server: KeyServer) -> ConformanceTarget:
        return KeyTarget(key_server, self.prefix)

    def _resume(self, bench: Bench, target: ConformanceTarget, name: str, point: int) -> None:
        super()._resume(bench, target, name, point)
        value = self._current(bench, name)
        assert isinstance(target, KeyTarget)
        assert target.key_ids(value) == [value.fields()["id"]], f"killed at {point}"

    @pytest.mark.parametrize("issued", [True, False])
    def test_an_attempt_that_fails_for_good_leaves_no_key(
        self, bench: Bench, target: ConformanceTarget, issued: bool
    ) -> None:
        """Where createSecret fails in every attempt, after a key was issued or before, there is the old key only."""
        name, old = self._adopted(bench, target)

        def failing(rotator: Rotator) -> Rotator:
            def fail(verb: str, call: Any) -> Any:
                def create(rotation: Rotation) -> SecretValue:
                    if issued:
                        call(rotation)
                    raise TargetRefused("the service went back on it")

                return create if verb == "create_secret" else call

            return around(rotator, fail)

        report = bench.rotate(name, failing)

        assert report.status is Status.FAILED, report
        assert isinstance(target, KeyTarget)
        assert target.key_ids(old) == [old.fields()["id"]]

    @each_change
    def test_a_change_from_outside_leaves_no_key_that_nobody_has(
        self, bench: Bench, target: ConformanceTarget, change: Callable[[Bench, str], None]
    ) -> None:
        """Whoever is abandoned after the key was issued and before it was stored deletes it, and says so."""
        name, old = self._adopted(bench, target)

        def meddled_with(rotator: Rotator) -> Rotator:
            def issue(verb: str, call: Any) -> Any:
                def create(rotation: Rotation) -> SecretValue:
                    value: SecretValue = call(rotation)
                    change(bench, name)
                    return value

                return create if verb == "create_secret" else call

            return around(rotator, issue)

        report = bench.engine(meddled_with).rotate(name, **_WHO)

        assert report.status is Status.ABANDONED, report
        assert isinstance(target, KeyTarget)
        assert target.key_ids(old) == [old.fields()["id"]]
        assert Auditing(bench.store).verify(**_WHO).faults == ()
        assert bench.rotate(name).status is Status.GRACE

    def test_a_key_whose_token_somebody_took_is_deleted(
        self, bench: Bench, target: ConformanceTarget
    ) -> None:
        """A stranger who stores a value under the rotation's own token, at any label, abandons it before it stores."""
        name, old = self._adopted(bench, target)

        def taking_the_token(rotator: Rotator) -> Rotator:
            def issue(verb: str, call: Any) -> Any:
                def create(rotation: Rotation) -> SecretValue:
                    value: SecretValue = call(rotation)
                    bench.manager.put_secret_value(
                        **_WHO,
                        secret_id=name,
                        value=old,
                        client_request_token=rotation.token,
                        version_stages=["THEIRS"],
                    )
                    return value

                return create if verb == "create_secret" else call

            return around(rotator, issue)

        report = bench.engine(taking_the_token).rotate(name, **_WHO)

        assert report.status is Status.ABANDONED, report
        assert isinstance(target, KeyTarget)
        assert target.key_ids(old) == [old.fields()["id"]]
        assert bench.rotate(name).status is Status.GRACE

    def test_killed_before_the_key_was_stored_then_put_from_outside(
        self, bench: Bench, target: ConformanceTarget
    ) -> None:
        """Whoever settles what a killed run and a put left deletes the key, and may be killed too."""
        assert isinstance(target, KeyTarget)
        name, _ = self._adopted(bench, target)
        with closing(Killer(bench.folder, reference=bench.reference)) as killer:
            point = self._issued_and_not_stored(killer, bench, target, name)
            old = self._current(bench, name)
            for settled_until in (None, 2, 3):
                assert killer.rotate(name, kill_at=point)
                assert len(target.key_ids(old)) == 2, "the key was issued"
                _put(bench, name)
                if settled_until is not None:
                    assert killer.rotate(name, kill_at=settled_until)

                report = bench.resume(name)

                assert report is not None
                assert report.status is Status.ABANDONED, report
                assert target.key_ids(old) == [old.fields()["id"]], settled_until

    def _issued_and_not_stored(
        self, killer: Killer, bench: Bench, target: KeyTarget, name: str
    ) -> int:
        """The point of a rotation after which a key is there that nobody has kept."""
        for point in range(1, 20):
            assert killer.rotate(name, kill_at=point)
            issued = len(target.key_ids(self._current(bench, name))) == 2
            stored = bench.value(name, "AWSPENDING") is not None
            super()._resume(bench, target, name, point)
            if issued and not stored:
                return point
        raise AssertionError("no key was issued")


class TestKeysThatAreShownAgain(_Issued):
    """Resume adopts the key that was issued under the rotation's token."""

    prefix = "replay"


class TestKeysThatAreShownOnce(_Issued):
    """Resume deletes the key that nobody has kept, and has another one issued."""

    prefix = "once"
