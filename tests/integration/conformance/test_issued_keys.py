"""Keys that their service issues: the intent is committed first, and after any crash no key is lost or left over."""

from collections.abc import Iterator
from typing import Any

import pytest

from rotator.model.rotation import Status
from rotator.sdk import Rotation, Rotator, SecretValue, TargetRefused
from rotator.testing.conformance import ConformanceTarget, RotatorConformance
from rotator.testing.conformance.around import around
from rotator.testing.conformance.bench import Bench
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


class TestKeysThatAreShownAgain(_Issued):
    """Resume adopts the key that was issued under the rotation's token."""

    prefix = "replay"


class TestKeysThatAreShownOnce(_Issued):
    """Resume deletes the key that nobody has kept, and has another one issued."""

    prefix = "once"
