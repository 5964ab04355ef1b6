"""Replication beside a naive model, after every sequence of operations in three regions, on both stores."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from rotator.crypto.envelope import Sealer
from rotator.errors import InvalidParameter, ResourceExists, ResourceNotFound
from rotator.manager.manager import SecretsManager
from rotator.model.caller import Caller, CallerKind
from rotator.model.replication import ReplicaRegion, ReplicaStatus
from rotator.store import audit_rows
from rotator.store.store import Store
from tests.support.manager import Who, value

EXAMPLES = 8
STEPS = 20
ACCOUNTS = itertools.count(200_000_000_000)
REGIONS = ("eu-central-1", "us-east-1", "ap-south-1")
NAME = "app"

regions = st.sampled_from(REGIONS)


@dataclass
class Own:
    """A secret that is no replica: its values, oldest first, its tags, and its replicas, False for a failed one."""

    values: list[str]
    tags: dict[str, str] = field(default_factory=dict)
    replicas: dict[str, bool] = field(default_factory=dict)


class Replication(RuleBasedStateMachine):
    """One name in three regions."""

    store: Store
    sealer: Sealer

    def __init__(self) -> None:
        super().__init__()
        self.manager = SecretsManager(self.store, self.sealer, regions=REGIONS)
        self.account = str(next(ACCOUNTS))
        self.numbers = itertools.count()
        self.there: dict[str, Own | str] = {}  # region → a secret, or the region that it follows

    def who(self, region: str) -> Who:
        caller = Caller(kind=CallerKind.LOCAL, name="alice", account=self.account, region=region)
        return {"caller": caller, "request_id": f"in-{region}"}

    def own(self, region: str) -> Own | type[Exception]:
        """The secret that can be changed there, or what a change of it is refused with."""
        found = self.there.get(region)
        if found is None:
            return ResourceNotFound
        return InvalidParameter if isinstance(found, str) else found

    def refused(self, expected: object, call: Callable[[], object]) -> bool:
        """Makes a call; whether it was refused, as it should be where `expected` is an error."""
        raised: type[Exception] | None = None
        try:
            call()
        except (InvalidParameter, ResourceExists, ResourceNotFound) as error:
            raised = type(error)
        assert raised is (expected if isinstance(expected, type) else None)
        return raised is not None

    @rule(region=regions)
    def create(self, region: str) -> None:
        text = f"v{next(self.numbers)}"
        expected = ResourceExists if region in self.there else None
        if not self.refused(
            expected,
            lambda: self.manager.create_secret(**self.who(region), name=NAME, value=value(text)),
        ):
            self.there[region] = Own([text])

    @rule(region=regions)
    def put(self, region: str) -> None:
        found, text = self.own(region), f"v{next(self.numbers)}"
        if not self.refused(
            found,
            lambda: self.manager.put_secret_value(
                **self.who(region), secret_id=NAME, value=value(text)
            ),
        ):
            assert isinstance(found, Own)
            found.values.append(text)

    @rule(region=regions)
    def rekey(self, region: str) -> None:
        expected = None if region in self.there else ResourceNotFound
        self.refused(
            expected,
            lambda: self.manager.update_secret(**self.who(region), secret_id=NAME, kms_key_id=""),
        )

    @rule(region=regions, key=st.sampled_from("ab"), text=st.sampled_from("xy"))
    def tag(self, region: str, key: str, text: str) -> None:
        found = self.own(region)
        if not self.refused(
            found,
            lambda: self.manager.tag_resource(**self.who(region), secret_id=NAME, tags={key: text}),
        ):
            assert isinstance(found, Own)
            found.tags[key] = text

    @rule(region=regions, to=st.sets(regions, min_size=1), force=st.booleans())
    def replicate(self, region: str, to: set[str], force: bool) -> None:
        found = InvalidParameter if region in to else self.own(region)
        wanted = [ReplicaRegion(region=one) for one in sorted(to)]
        if not self.refused(
            found,
            lambda: self.manager.replicate_secret_to_regions(
                **self.who(region),
                secret_id=NAME,
                add_replica_regions=wanted,
                force_overwrite=force,
            ),
        ):
            assert isinstance(found, Own)
            for one in to:
                self._replicate(region, found, one, force=force)

    def _replicate(self, region: str, found: Own, to: str, *, force: bool) -> None:
        other = self.there.get(to)
        if other == region:
            return
        free = other is None or (force and isinstance(other, Own) and not other.replicas)
        found.replicas[to] = free
        if free:
            self.there[to] = region

    @rule(region=regions, to=st.sets(regions, min_size=1))
    def remove(self, region: str, to: set[str]) -> None:
        found = self.own(region)
        if not self.refused(
            found,
            lambda: self.manager.remove_regions_from_replication(
                **self.who(region), secret_id=NAME, remove_replica_regions=sorted(to)
            ),
        ):
            assert isinstance(found, Own)
            for one in to:
                if found.replicas.pop(one, False):
                    del self.there[one]

    @rule(region=regions)
    def promote(self, region: str) -> None:
        found = self.there.get(region)
        expected: object = ResourceNotFound if found is None else found
        if isinstance(found, Own):
            expected = InvalidParameter
        if not self.refused(
            expected,
            lambda: self.manager.stop_replication_to_replica(**self.who(region), secret_id=NAME),
        ):
            assert isinstance(found, str)
            primary = self.there[found]
            assert isinstance(primary, Own)
            del primary.replicas[region]
            self.there[region] = Own(list(primary.values), dict(primary.tags))

    @rule(region=regions)
    def delete(self, region: str) -> None:
        found = self.own(region)
        expected: object = found
        if isinstance(found, Own) and found.replicas:
            expected = InvalidParameter
        if found is ResourceNotFound:
            expected = None  # forcing succeeds
        if not self.refused(
            expected,
            lambda: self.manager.delete_secret(
                **self.who(region), secret_id=NAME, force_without_recovery=True
            ),
        ):
            self.there.pop(region, None)

    @invariant()
    def every_region_is_as_the_model_says(self) -> None:
        for region in REGIONS:
            found = self.there.get(region)
            if found is None:
                assert not self.manager.list_secrets(**self.who(region)).secrets
                continue
            origin = self.there[found] if isinstance(found, str) else found
            assert isinstance(origin, Own)
            self._look(region, origin, primary=found if isinstance(found, str) else region)

    def _look(self, region: str, origin: Own, *, primary: str) -> None:
        who = self.who(region)
        read = self.manager.get_secret_value(**who, secret_id=NAME)
        assert read.value == value(origin.values[-1])
        described = self.manager.describe_secret(**who, secret_id=NAME)
        assert dict(described.tags or {}) == origin.tags
        statuses = {
            one.region: one.status is ReplicaStatus.IN_SYNC for one in described.replication
        }
        assert statuses == origin.replicas
        assert described.primary_region == (primary if origin.replicas else None)
        if len(origin.values) > 1:
            previous = self.manager.get_secret_value(
                **who, secret_id=NAME, version_stage="AWSPREVIOUS"
            )
            assert previous.value == value(origin.values[-2])

    def teardown(self) -> None:
        assert [one for one in audit_rows.differences(self.store) if one is not None] == []


def test_replication_is_as_the_model_says(store: Store, sealer: Sealer) -> None:
    """Values, labels, tags, statuses and refusals in each region, and the audit agrees with the rows."""
    machine = type("Machine", (Replication,), {"store": store, "sealer": sealer})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            suppress_health_check=list(HealthCheck),
        ),
    )
