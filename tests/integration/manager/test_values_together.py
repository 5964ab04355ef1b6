"""Values of many secrets looked up in one statement: what each look by itself finds, or nothing."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from rotator.manager.looking import ValueRead
from rotator.manager.manager import SecretsManager
from rotator.model.labels import CURRENT, PREVIOUS
from rotator.store import secrets, tables, values, values_together
from rotator.store.store import Store
from rotator.store.values import ValueRow
from rotator.store.values_together import Wanted, wanted
from tests.integration.store.plans import assert_sent_indexed, recording
from tests.support.manager import ABROAD, ACCOUNT, ME, POLICY, REGION, row_id, value
from tests.support.store import only_sqlite

_HOME = {"account": ACCOUNT, "region": REGION}
_NAMES = ("one", "two", "three")


@pytest.fixture(autouse=True)
def _secrets(manager: SecretsManager) -> None:
    for name in _NAMES:
        manager.create_secret(**ME, name=name, value=value(f"of {name}"))


def _want(name: str, stage: str = CURRENT) -> Wanted:
    found = wanted(name, **_HOME, stage=stage)
    assert found is not None
    return found


def _alone(store: Store, name: str, stage: str = CURRENT) -> ValueRow:
    with store.read() as tx:
        return values.find(tx, **_HOME, secret_id=name, version_id=None, stage=stage)


@only_sqlite
def test_each_is_what_a_look_by_itself_finds(manager: SecretsManager, store: Store) -> None:
    """Names, labels and places may be mixed; each has its own value, all of its labels and its policy."""
    manager.put_secret_value(**ME, secret_id="two", value=value("newer"))
    manager.put_resource_policy(**ME, secret_id="three", resource_policy=POLICY)
    current = manager.get_secret_value(**ME, secret_id="one").version_id
    for stage in ("MINE", "ALSO"):
        manager.update_secret_version_stage(
            **ME, secret_id="one", version_stage=stage, move_to_version_id=current
        )
    manager.create_secret(caller=ABROAD, request_id="r", name="one", value=value("abroad"))
    abroad = Wanted(ACCOUNT, ABROAD.region, CURRENT, "one")
    sought = {*map(_want, _NAMES), _want("two", PREVIOUS), _want("one", "MINE"), abroad}
    with store.read() as tx:
        found = values_together.find(tx, sought | {_want("nothing"), _want("three", "MINE")})
    assert found.keys() == sought
    for each, row in found.items():
        if each.region == REGION:
            assert row == _alone(store, each.name, each.stage)
    assert found[_want("one")].stages == ("ALSO", CURRENT, "MINE")
    assert found[abroad].id != found[_want("one")].id


@only_sqlite
def test_any_number_is_found(manager: SecretsManager, store: Store) -> None:
    """A hundred names are found as one is, and none for nobody."""
    names = [f"many/{number}" for number in range(100)]
    for name in names:
        manager.create_secret(**ME, name=name, value=value(name))
    with store.read() as tx:
        assert not values_together.find(tx, set())
        assert values_together.find(tx, {_want("one")}).keys() == {_want("one")}
        found = values_together.find(tx, {_want(name) for name in names})
    assert sorted(row.name for row in found.values()) == sorted(names)


@only_sqlite
def test_what_is_not_ordinary_is_left_to_a_look_of_its_own(
    manager: SecretsManager, store: Store
) -> None:
    """A secret behind a barrier, marked for deletion or pinned, is not found together with others."""
    manager.delete_secret(**ME, secret_id="two", recovery_window_in_days=7)
    with store.write() as tx:
        until = tx.now + timedelta(seconds=60)
        secrets.update(tx, row_id(tx, "one"), barrier_raised_at=tx.now, barrier_until=until)
        pinned = tables.versions.c.secret_id == row_id(tx, "three")
        tx.execute(update(tables.versions).where(pinned).values(pinned=True))
    with store.read() as tx:
        assert not values_together.find(tx, set(map(_want, _NAMES)))


def test_only_names_are_looked_up_together(manager: SecretsManager) -> None:
    """An ARN, whole or not, and a name that can't be one."""
    arn = manager.describe_secret(**ME, secret_id="one").arn
    assert wanted(arn, **_HOME, stage=CURRENT) is None
    assert wanted("no name", **_HOME, stage=CURRENT) is None
    without_suffix = wanted(arn[:-7], account="999999999999", region="x", stage=CURRENT)
    assert without_suffix == _want("one")


def test_a_server_has_each_looked_up_by_itself(store: Store) -> None:
    """On PostgreSQL nothing is found together; on SQLite what there is."""
    with store.read() as tx:
        found = values_together.find(tx, set(map(_want, _NAMES)))
    assert len(found) == (0 if store.dialect == "postgresql" else len(_NAMES))


@only_sqlite
def test_it_reads_no_whole_table(store: Store) -> None:
    """All names are found by the index of names."""
    with recording() as sent, store.read() as tx:
        values_together.find(tx, set(map(_want, _NAMES)))
    (look,) = (each for each in sent if each.sql.startswith("SELECT secrets.id"))
    assert_sent_indexed(store, look)


@only_sqlite
def test_many_reads_take_one_look(manager: SecretsManager) -> None:
    """Reads of several secrets by name look no secret up by itself."""
    reads = [ValueRead(**ME, secret_id=name) for name in _NAMES]
    with recording() as sent:
        outcomes = manager.read_secret_values(reads)
    assert len(outcomes) == len(_NAMES)
    assert sum(each.sql.startswith("SELECT secrets.") for each in sent) == 1
