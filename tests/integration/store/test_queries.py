"""Every statement that a call of the manager makes finds its rows by an index: there is room for a million secrets."""

from collections.abc import Callable

import pytest

from rotator.crypto.envelope import Sealer
from rotator.manager.manager import SecretsManager
from rotator.manager.results import Delayed
from rotator.manager.rotation_rules import RotationRules
from rotator.model.filters import Filter, FilterKey, SecretFilter, SortBy, SortOrder
from rotator.model.rotation import MachineState
from rotator.sdk import Authority
from rotator.store import listing, search_plan
from rotator.store.store import Store
from tests.integration.store.plans import assert_sent_indexed, has_plan, recording
from tests.support.manager import ME, begin_rotation, token, value


def _create(manager: SecretsManager, _: Store) -> None:
    manager.create_secret(**ME, name="new", value=value("v1"), tags={"a": "b"})


def _repeat(manager: SecretsManager, _: Store) -> None:
    manager.create_secret(**ME, name="db", value=value("v1"), client_request_token=token(1))


def _put(manager: SecretsManager, _: Store) -> None:
    manager.put_secret_value(**ME, secret_id="db", value=value("v3"))


def _put_from_outside(manager: SecretsManager, store: Store) -> None:
    begin_rotation(store, "db", token=token(9), state=MachineState(touched=True))
    _put(manager, store)


def _fill(manager: SecretsManager, store: Store) -> None:
    begin_rotation(store, "db", token=token(9), state=MachineState())
    manager.put_secret_value(
        **ME,
        secret_id="db",
        value=value("v3"),
        client_request_token=token(9),
        version_stages=["AWSPENDING"],
    )


def _get(manager: SecretsManager, _: Store) -> None:
    manager.get_secret_value(**ME, secret_id="db")


def _get_version(manager: SecretsManager, _: Store) -> None:
    arn = manager.describe_secret(**ME, secret_id="db").arn
    manager.get_secret_value(**ME, secret_id=arn, version_id=token(1))


def _wait(manager: SecretsManager, _: Store) -> None:
    manager.barrier_remaining(Delayed(seconds=1, row=1))


def _list(manager: SecretsManager, _: Store) -> None:
    page = manager.list_secrets(**ME, max_results=1)
    manager.list_secrets(**ME, cursor=page.next_cursor)


def _list_filtered(manager: SecretsManager, _: Store) -> None:
    keys = [
        key for key in FilterKey if key not in {FilterKey.PRIMARY_REGION, FilterKey.OWNING_SERVICE}
    ]
    wheres = [
        SecretFilter(name_prefix="d", tags={"a": "b", "c": "d"}, include_deleted=True),
        *(SecretFilter(filters=(Filter(key, ("d e", "v")),)) for key in keys),
        *(SecretFilter(filters=(Filter(key, ("!d",)), Filter(key, ("e",)))) for key in keys),
        SecretFilter(filters=tuple(Filter(key, ("d",)) for key in keys)),
    ]
    for where in wheres:
        manager.list_secrets(**ME, where=where)
        for by in SortBy:
            manager.list_secrets(**ME, where=where, order=SortOrder(by=by))


def _list_by_looking_through(manager: SecretsManager, store: Store) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search_plan, "FEW", -1)
        _list_filtered(manager, store)


def _list_in_order(manager: SecretsManager, _: Store) -> None:
    for order in (SortOrder(by=by, descending=down) for by in SortBy for down in (True, False)):
        cursor = None
        while True:
            page = manager.list_secrets(**ME, order=order, cursor=cursor, max_results=1)
            cursor = page.next_cursor
            if cursor is None:
                break


def _batch(manager: SecretsManager, _: Store) -> None:
    arn = manager.describe_secret(**ME, secret_id="db").arn
    manager.batch_get_secret_value(**ME, secret_ids=["db", "admin", arn, "missing"])
    manager.batch_get_secret_value(**ME, filters=[Filter(FilterKey.NAME, ("d",))])


def _due(_: SecretsManager, store: Store) -> None:
    with store.read() as tx:
        listing.due(tx, limit=10)


def _list_versions(manager: SecretsManager, _: Store) -> None:
    for deprecated in (True, False):
        page = manager.list_secret_version_ids(
            **ME, secret_id="db", include_deprecated=deprecated, max_results=1
        )
        manager.list_secret_version_ids(
            **ME, secret_id="db", include_deprecated=deprecated, cursor=page.next_cursor
        )


def _move(manager: SecretsManager, _: Store) -> None:
    manager.update_secret_version_stage(
        **ME,
        secret_id="db",
        version_stage="AWSCURRENT",
        move_to_version_id=token(1),
        remove_from_version_id=token(2),
    )


def _rotation(manager: SecretsManager, _: Store) -> None:
    manager.set_rotation(
        **ME,
        secret_id="db",
        rotator="generic",
        rules=RotationRules(automatically_after_days=3),
        authority=Authority(admin="admin"),
    )
    manager.get_rotation(**ME, secret_id="db")
    manager.cancel_rotation(**ME, secret_id="db")


def _delete(manager: SecretsManager, _: Store) -> None:
    manager.delete_secret(**ME, secret_id="db")
    manager.restore_secret(**ME, secret_id="db")
    manager.delete_secret(**ME, secret_id="db", force_without_recovery=True)


CALLS: dict[str, Callable[[SecretsManager, Store], None]] = {
    "create": _create,
    "create again": _repeat,
    "put": _put,
    "put from outside": _put_from_outside,
    "fill": _fill,
    "get": _get,
    "get version": _get_version,
    "wait": _wait,
    "list": _list,
    "list filtered": _list_filtered,
    "list by looking through": _list_by_looking_through,
    "list in order": _list_in_order,
    "batch": _batch,
    "due": _due,
    "list versions": _list_versions,
    "move": _move,
    "rotation": _rotation,
    "delete": _delete,
}


@pytest.fixture
def manager(store: Store, sealer: Sealer) -> SecretsManager:
    """A manager with a secret of two versions, and an admin secret."""
    made = SecretsManager(store, sealer)
    made.create_secret(**ME, name="db", value=value("v1"), client_request_token=token(1))
    made.put_secret_value(**ME, secret_id="db", value=value("v2"), client_request_token=token(2))
    made.create_secret(**ME, name="admin", value=value("v1"))
    return made


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_every_statement_of_a_call_uses_an_index(
    manager: SecretsManager, store: Store, call: Callable[[SecretsManager, Store], None]
) -> None:
    """The engine's own plan of each statement that the call sent reads no whole table or index."""
    with recording() as sent:
        call(manager, store)

    planned = [statement for statement in sent if has_plan(statement)]
    assert planned
    for statement in planned:
        assert_sent_indexed(store, statement)


def test_a_read_takes_one_query(manager: SecretsManager) -> None:
    """A read looks up secret, version and labels at once; the rest is its audit and the clock."""
    manager.get_secret_value(**ME, secret_id="db")

    with recording() as sent:
        manager.get_secret_value(**ME, secret_id="db")

    asked = [
        statement.sql.split()[0]
        for statement in sent
        if has_plan(statement) and "clock_timestamp" not in statement.sql
    ]
    assert asked == ["SELECT", "UPDATE", "INSERT"]
