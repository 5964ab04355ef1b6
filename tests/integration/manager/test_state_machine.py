"""The whole manager beside a naive model, after every sequence of operations, on both stores."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from rotator.crypto.envelope import Sealer
from rotator.errors import RotatorError
from rotator.manager.auditing import Auditing
from rotator.manager.manager import SecretsManager
from rotator.manager.results import SecretDescription, VersionDescription
from rotator.model.caller import Caller, CallerKind
from rotator.model.filters import Filter, FilterKey, SecretFilter, SortBy, SortOrder
from rotator.sdk import SecretValue
from rotator.store import old_versions
from tests.support.clock import MovableStore
from tests.support.manager import ME, POLICY, REGION, Who, token
from tests.support.naive_manager import CURRENT, NaiveManager, NaiveSecret, Refused, Value
from tests.support.store import AUDIT_KEY

KEPT = 3
EXAMPLES = 15
STEPS = 50
ACCOUNTS = itertools.count(100_000_000_000)

NAMES = ["app", "app-abcdef", "db/app"]
LABELS = ["AWSCURRENT", "AWSPENDING", "AWSPREVIOUS", "blue", "green"]
MANY = [f"label-{number}" for number in range(17)]

names = st.sampled_from(["app", *NAMES])
tokens = st.none() | st.integers(1, 6).map(token)
some_version = st.none() | st.integers(0, 7)
values = st.sampled_from(["v1", "v2", b"v1"])
stages = st.none() | st.lists(st.sampled_from(LABELS), min_size=1, max_size=3) | st.just(MANY)
descriptions = st.sampled_from([None, "", "Orders of the shop", "invoices"])
tags = st.sampled_from(
    [
        {},
        {"team": "a"},
        {"team": "b", "env": "Test"},
        {f"k{number}": "" for number in range(30)},
        {f"k{number}": "x" for number in range(10, 50)},
    ]
)
terms = st.sampled_from(["app", "a", "db", "order", "SHOP ord", "team", "te", "Test", "b", "inv"])
filters = st.lists(
    st.tuples(
        st.sampled_from(["name", "description", "tag-key", "tag-value", "all"]),
        st.lists(st.builds(str.__add__, st.sampled_from(["", "!"]), terms), min_size=1, max_size=2),
    ),
    max_size=2,
)


def secret_value(given: Value) -> SecretValue:
    return SecretValue(string=given) if isinstance(given, str) else SecretValue(binary=given)


def plain(value: SecretValue) -> Value:
    found = value.string if value.string is not None else value.binary
    assert found is not None
    return found


class Real:
    """The manager, with the model's answers."""

    def __init__(self, manager: SecretsManager, who: Who) -> None:
        self.manager = manager
        self.who = who

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**given: Any) -> dict[str, Any]:
            return self._fields(getattr(self.manager, operation)(**self.who, **given))

        return call

    def _fields(self, answer: Any) -> dict[str, Any]:
        return {name: getattr(answer, name) for name in answer.__slots__}

    def _stored(self, operation: str, value: Value | None, **given: Any) -> dict[str, Any]:
        method = getattr(self.manager, operation)
        stored = None if value is None else secret_value(value)
        return self._fields(method(**self.who, value=stored, **given))

    def create_secret(self, **given: Any) -> dict[str, Any]:
        return self._stored("create_secret", **given)

    def put_secret_value(self, **given: Any) -> dict[str, Any]:
        return self._stored("put_secret_value", **given)

    def update_secret(self, **given: Any) -> dict[str, Any]:
        return self._stored("update_secret", **given)

    def get_secret_value(self, **given: Any) -> dict[str, Any]:
        found = self._fields(self.manager.get_secret_value(**self.who, **given))
        return found | {"value": plain(found["value"]), "made": found.pop("created_at")}

    def describe_secret(self, *, secret_id: str) -> dict[str, Any]:
        return self._described(self.manager.describe_secret(**self.who, secret_id=secret_id))

    def _described(self, found: SecretDescription) -> dict[str, Any]:
        assert found.kms_key_id is None
        rotation = found.rotation
        return {
            "arn": found.arn,
            "name": found.name,
            "description": found.description,
            "made": found.created_at,
            "changed": found.changed_at,
            "read_on": found.accessed_on,
            "marked": found.deleted_at,
            "ends": found.purge_at,
            "tags": found.tags,
            "versions": found.versions,
            "rotation": None if rotation is None else (rotation.rotator, rotation.enabled),
        }

    def list_secret_version_ids(self, **given: Any) -> list[dict[str, Any]]:
        cursor: str | None = None
        found: list[VersionDescription] = []
        while True:
            page = self.manager.list_secret_version_ids(
                **self.who, **given, cursor=cursor, max_results=2
            )
            found += page.versions
            cursor = page.next_cursor
            if cursor is None:
                break
        return [
            {
                "version_id": version.version_id,
                "made": version.created_at,
                "read_on": version.accessed_on,
                "stages": version.stages,
            }
            for version in found
        ]

    def list_secrets(
        self,
        *,
        filters: Sequence[tuple[str, Sequence[str]]],
        sort_by: str,
        descending: bool,
        include_deleted: bool,
    ) -> list[dict[str, Any]]:
        given = tuple(Filter(FilterKey(key), tuple(values)) for key, values in filters)
        cursor: str | None = None
        found: list[SecretDescription] = []
        while True:
            page = self.manager.list_secrets(
                **self.who,
                where=SecretFilter(filters=given, include_deleted=include_deleted),
                order=SortOrder(by=SortBy(sort_by), descending=descending),
                cursor=cursor,
                max_results=2,
            )
            found += page.secrets
            cursor = page.next_cursor
            if cursor is None:
                return [self._described(secret) for secret in found]

    def delete_secret(self, **given: Any) -> dict[str, Any]:
        found = self._fields(self.manager.delete_secret(**self.who, **given))
        return {"arn": found["arn"], "name": found["name"], "ends": found["deletion_date"]}

    def set_rotation(self, **given: Any) -> dict[str, Any]:
        return {"rotator": self.manager.set_rotation(**self.who, **given).rotator}

    def purge(self, **given: Any) -> int:
        return self.manager.purge(**self.who, **given)


def outcome(operation: Callable[[], Any]) -> Any:
    """What it answers, or the class and text of what it refuses with."""
    try:
        return operation()
    except RotatorError as error:
        return type(error).__name__, str(error)
    except Refused as refused:
        return refused.error, refused.text


class ManagerMachine(RuleBasedStateMachine):
    """One account with a few secrets, under every operation in every order; each example has an account of its own."""

    def __init__(self, store: MovableStore, sealer: Sealer) -> None:
        super().__init__()
        account = str(next(ACCOUNTS))
        caller = Caller(kind=CallerKind.LOCAL, name="alice", account=account, region=REGION)
        manager = SecretsManager(
            store,
            sealer,
            random_suffix=lambda: self.model.suffix,
            new_token=lambda: self.model.fresh,
        )
        self.store = store
        self.real = Real(manager, {"caller": caller, "request_id": "request-1"})
        self.model = NaiveManager(account=account, region=REGION, kept=KEPT)
        self.steps = 0
        self.arns: list[str] = []

    def both(self, operation: str, **given: Any) -> Any:
        """Does it to both, a second after what was done before; their answers are the same."""
        self.steps += 1
        self.model.now += timedelta(seconds=1)
        self.store.stopped_at = self.model.now
        self.model.suffix = f"{self.steps:06d}"
        self.model.fresh = f"fresh-{self.steps:032d}"
        expected = outcome(lambda: getattr(self.model, operation)(**given))
        found = outcome(lambda: getattr(self.real, operation)(**given))
        assert found == expected, (operation, given)
        return found

    def secret_id(self, name: str, way: str) -> str:
        """A name as it is, or an ARN of what had the name once, whole or without its end."""
        arns = [arn for arn in self.arns if arn[:-7].endswith(f":{name}")]
        if way == "name" or not arns:
            return name
        return arns[0] if way == "first" else arns[-1] if way == "arn" else arns[-1][:-7]

    def named(self, named: tuple[str, str]) -> list[NaiveSecret]:
        return [secret for secret in self.model.secrets if secret.name == named[0]]

    def token_of(self, named: tuple[str, str], number: int | None) -> str | None:
        """The version of a number, counted from the newest; a token that may not be there where there are fewer."""
        if number is None:
            return None
        there = [version.token for secret in self.named(named) for version in secret.versions]
        return [*there[::-1], *(token(n) for n in range(1, 9))][number]

    ids = st.tuples(names, st.sampled_from(["name", "name", "arn", "first", "partial"]))

    @initialize()
    def begin(self) -> None:
        """Something is there from the beginning, since an example may leave out whole operations."""
        for name in NAMES:
            self.create(name, None if name == NAMES[-1] else "v1", token(1), "Orders", {})
        for number in (2, 3, 4):
            self.put((NAMES[0], "name"), f"v{number}", token(number), None)

    @rule(name=names, value=st.none() | values, token=tokens, description=descriptions, tags=tags)
    def create(
        self,
        name: str,
        value: Value | None,
        token: str | None,
        description: str | None,
        tags: dict[str, str],
    ) -> None:
        made = self.both(
            "create_secret",
            name=name,
            value=value,
            client_request_token=token,
            description=description,
            tags=tags,
        )
        if isinstance(made, dict) and made["arn"] not in self.arns:
            self.arns.append(made["arn"])

    @rule(named=ids, value=values, token=tokens, stages=stages)
    def put(
        self,
        named: tuple[str, str],
        value: Value,
        token: str | None,
        stages: Sequence[str] | None,
    ) -> None:
        self.both(
            "put_secret_value",
            secret_id=self.secret_id(*named),
            value=value,
            client_request_token=token,
            version_stages=stages,
        )

    @rule(name=names, count=st.integers(KEPT + 1, KEPT + 4), hours=st.integers(20, 28))
    def put_beyond_what_is_kept(self, name: str, count: int, hours: int) -> None:
        for _ in range(count):
            self.put((name, "name"), "v1", None, None)
            self.wait(1)
        self.wait(hours)
        self.put((name, "name"), "v1", None, None)
        self.list_versions((name, "name"), True)

    @rule(name=names, before=st.booleans(), stages=stages)
    def put_beside_pending(self, name: str, before: bool, stages: Sequence[str] | None) -> None:
        """AWSPENDING goes with the next value where rotation was ever set up, and stays where it was not."""
        if before:
            self.set_rotation((name, "name"), "generic")
        self.put((name, "name"), "v1", None, ["AWSPENDING"])
        self.cancel_rotation((name, "name"))
        self.put((name, "name"), "v2", None, stages)

    @rule(name=names, more=st.lists(st.sampled_from(LABELS), min_size=1, max_size=3))
    def crowd(self, name: str, more: list[str]) -> None:
        self.put((name, "name"), "v1", None, MANY)
        self.put((name, "name"), "v2", None, more)
        self.move_to_another((name, "name"), "new", 0)
        self.move_to_another((name, "name"), CURRENT, 1)

    @rule(named=ids, value=st.none() | values, token=tokens, description=descriptions)
    def update(
        self,
        named: tuple[str, str],
        value: Value | None,
        token: str | None,
        description: str | None,
    ) -> None:
        self.both(
            "update_secret",
            secret_id=self.secret_id(*named),
            value=value,
            client_request_token=token,
            description=description,
        )

    @rule(
        named=ids,
        label=st.sampled_from([*LABELS, "new", MANY[0]]),
        to=some_version,
        source=some_version,
        truly=st.sampled_from([True, True, False]),
    )
    def move_label(
        self,
        named: tuple[str, str],
        label: str,
        to: int | None,
        source: int | None,
        truly: bool,
    ) -> None:
        holder = self.token_of(named, source)
        if truly:  # else hardly a move would say rightly where its label is
            at = [v.token for s in self.named(named) for v in s.versions if label in v.labels]
            holder = at[0] if at else None
        self.both(
            "update_secret_version_stage",
            secret_id=self.secret_id(*named),
            version_stage=label,
            move_to_version_id=self.token_of(named, to),
            remove_from_version_id=holder,
        )

    @rule(named=ids, label=st.sampled_from(LABELS), to=st.integers(0, 3))
    def move_to_another(self, named: tuple[str, str], label: str, to: int) -> None:
        self.move_label(named, label, to, None, True)

    @rule(
        named=ids,
        version=some_version,
        label=st.none() | st.sampled_from(LABELS),
    )
    def get(self, named: tuple[str, str], version: int | None, label: str | None) -> None:
        self.both(
            "get_secret_value",
            secret_id=self.secret_id(*named),
            version_id=self.token_of(named, version),
            version_stage=label,
        )

    @rule(named=ids, deprecated=st.booleans())
    def list_versions(self, named: tuple[str, str], deprecated: bool) -> None:
        self.both(
            "list_secret_version_ids",
            secret_id=self.secret_id(*named),
            include_deprecated=deprecated,
        )

    @rule(
        filters=filters,
        sort_by=st.sampled_from(["created-date", "last-changed-date", "name"]),
        descending=st.booleans(),
        deleted=st.booleans(),
    )
    def list_secrets(
        self,
        filters: list[tuple[str, list[str]]],
        sort_by: str,
        descending: bool,
        deleted: bool,
    ) -> None:
        self.both(
            "list_secrets",
            filters=filters,
            sort_by=sort_by,
            descending=descending,
            include_deleted=deleted,
        )

    @rule(named=ids, tags=tags)
    def tag(self, named: tuple[str, str], tags: dict[str, str]) -> None:
        self.both("tag_resource", secret_id=self.secret_id(*named), tags=tags)

    @rule(named=ids, keys=tags.map(list))
    def untag(self, named: tuple[str, str], keys: list[str]) -> None:
        self.both("untag_resource", secret_id=self.secret_id(*named), tag_keys=keys)

    @rule(named=ids, what=st.sampled_from(["put", "get", "get", "delete"]))
    def policy(self, named: tuple[str, str], what: str) -> None:
        given = {"resource_policy": POLICY} if what == "put" else {}
        self.both(f"{what}_resource_policy", secret_id=self.secret_id(*named), **given)

    @rule(named=ids, rotator=st.sampled_from([None, "generic"]))
    def set_rotation(self, named: tuple[str, str], rotator: str | None) -> None:
        self.both("set_rotation", secret_id=self.secret_id(*named), rotator=rotator)

    @rule(name=names)
    def cancel_beside_pending(self, name: str) -> None:
        """A version with both labels is no rotation's unfinished one."""
        self.set_rotation((name, "name"), "generic")
        self.put((name, "name"), "v1", None, [CURRENT, "AWSPENDING"])
        self.cancel_rotation((name, "name"))

    @rule(named=ids)
    def cancel_rotation(self, named: tuple[str, str]) -> None:
        self.both("cancel_rotation", secret_id=self.secret_id(*named))

    @rule(
        named=ids, days=st.sampled_from([None, 7, 8, 30]), fate=st.sampled_from([*"rrrm", "gone"])
    )
    def delete(self, named: tuple[str, str], days: int | None, fate: str) -> None:
        force = fate == "gone"
        secret_id = self.secret_id(*named)
        self.both(
            "delete_secret",
            secret_id=secret_id,
            recovery_window_in_days=None if force else days,
            force_without_recovery=force,
        )
        if fate == "r":  # most come back, or soon there would be nothing to do anything to
            self.both("get_secret_value", secret_id=secret_id, version_id=None, version_stage=None)
            self.both("restore_secret", secret_id=secret_id)

    @rule(named=ids)
    def restore(self, named: tuple[str, str]) -> None:
        self.both("restore_secret", secret_id=self.secret_id(*named))

    @rule(limit=st.integers(0, 2))
    def purge(self, limit: int) -> None:
        self.both("purge", limit=limit)

    @rule(windows=st.permutations([7, 8, 9]), limit=st.integers(1, 2))
    def let_windows_end(self, windows: list[int], limit: int) -> None:
        for name, days in zip(NAMES, windows, strict=True):
            self.both(
                "delete_secret",
                secret_id=name,
                recovery_window_in_days=days,
                force_without_recovery=False,
            )
        self.wait(8 * 24)
        self.purge(limit)

    @rule(hours=st.sampled_from([1, 23, 24, 25, 7 * 24, 8 * 24]))
    def wait(self, hours: int) -> None:
        self.model.now += timedelta(hours=hours)

    @invariant()
    def all_is_as_in_the_model(self) -> None:
        """Everything that can be seen of every secret; and of labels what always holds."""
        seen = self.both(
            "list_secrets",
            filters=[],
            sort_by="created-date",
            descending=False,
            include_deleted=True,
        )
        for secret, of_model in zip(seen, self.model.secrets, strict=True):
            labels = [label for on in secret["versions"].values() for label in on]
            assert len(labels) == len(set(labels))
            assert labels.count(CURRENT) == bool(of_model.versions)

    def teardown(self) -> None:
        """At the end, every version too."""
        for secret in self.model.secrets:
            self.both("list_secret_version_ids", secret_id=secret.name, include_deprecated=True)


@pytest.fixture
def store(store_url: str) -> Iterator[MovableStore]:
    """A store whose time stands still until a test moves it."""
    opened = MovableStore.open(store_url, create=False, audit_key=AUDIT_KEY)
    yield opened
    opened.close()


def test_the_manager_and_the_model_agree(
    store: MovableStore, sealer: Sealer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Answers, refusals and their texts are the same after each of thousands of operations.

    And at the end every secret is as the audit says that its changes left it.
    """
    monkeypatch.setattr(old_versions, "KEPT_WITHOUT_LABEL", KEPT)
    run_state_machine_as_test(
        partial(ManagerMachine, store, sealer),  # type: ignore[arg-type]  # what makes one will do
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert Auditing(store).verify(**ME).faults == (), "rows are not as their records left them"
