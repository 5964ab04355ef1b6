"""Moving a store from one engine to the other: all of it arrives, and only one of both is ever the store."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from psycopg import sql
from sqlalchemy import make_url

from rotator.crypto.envelope import Sealer
from rotator.crypto.keyring import FileKeyProvider
from rotator.errors import ConfigurationError, RotationInProgress, StoreUnavailable
from rotator.manager.auditing import Auditing
from rotator.manager.manager import SecretsManager
from rotator.manager.moving import Moving
from rotator.model.rotation import MachineState
from rotator.store import audit_verifying, moving, schema
from rotator.store.audit_search import AuditFilter
from rotator.store.database import Database
from rotator.store.moving import Destination, Stage
from rotator.store.schema import SchemaState
from rotator.store.store import Store
from tests.support import moved, older_store
from tests.support.manager import ME, begin_rotation, row_id, token, value
from tests.support.postgres import DatabaseServer, Role
from tests.support.store import only_sqlite, postgresql_url


@pytest.fixture
def source_url(empty_url: str) -> str:
    """A store with a bit of everything, on each engine."""
    return moved.upgraded(empty_url)


@pytest.fixture
def kept_sealer(tmp_path: Path) -> Sealer:
    """Opens its values."""
    return Sealer(FileKeyProvider(older_store.copy_keyring(tmp_path)))


def _execute(url: str, statement: str) -> None:
    database = Database.connect(url, create=False, lock_timeout=1)
    try:
        with database.write() as tx:
            tx.connection.exec_driver_sql(statement)
    finally:
        database.close()


def _state(url: str) -> SchemaState:
    database = Database.connect(url, create=False)
    try:
        return schema.check(database)
    finally:
        database.close()


def test_every_row_arrives_and_is_compared(source_url: str, other_empty_url: str) -> None:
    """Each column of each table is the same in the other engine, and the rows that were compared are counted."""
    before = moved.rows(source_url)
    known = moved.known(source_url)
    compared = moved.run(source_url, other_empty_url)
    assert moved.rows(other_empty_url) == before
    assert moved.known(other_empty_url) == known
    there = moved.everything(other_empty_url)
    assert compared == {table: len(found) for table, found in there.items()}
    assert sum(compared.values()) > 50


def test_both_stores_have_the_record_of_the_move(
    source_url: str, other_empty_url: str, open_store: Callable[[str], Store]
) -> None:
    """It is in the chain of the old store, which ends there, and in that of the new one, which goes on from it."""
    moved.run(source_url, other_empty_url)
    assert len(moved.recorded(source_url)) == 1
    assert moved.everything(other_empty_url) == moved.everything(source_url)
    found = audit_verifying.verify(open_store(other_empty_url))
    assert found.faults == ()


def test_a_move_that_was_given_up_has_left_no_record_of_success(
    source_url: str, other_empty_url: str
) -> None:
    """The record is in both stores or in none; one that was copied before an interruption is not kept."""
    _interrupted(source_url, other_empty_url, at="words")
    assert moved.recorded(source_url) == []
    moved.run(source_url, other_empty_url)
    assert len(moved.recorded(other_empty_url)) == 1


def test_whoever_asks_for_a_move_is_on_record(
    source_url: str, tmp_path: Path, open_store: Callable[[str], Store]
) -> None:
    """Refused or tried before, with the reason or the place; done, with both places."""
    store = open_store(source_url)
    destination = Database.connect(f"sqlite:///{tmp_path / 'to.db'}", create=True)
    asked = Moving(store)

    with pytest.raises(ConfigurationError):
        asked.move(**ME, destination=store, observe=lambda _: None)
    asked.plan(**ME, destination=destination)
    asked.move(**ME, destination=destination, observe=lambda _: None)
    destination.close()

    there = Auditing(open_store(f"sqlite:///{tmp_path / 'to.db'}"))
    found = there.show(**ME, where=AuditFilter(event="MoveStore")).records
    places = {"from": store.url_shown, "to": destination.url_shown}
    assert [(record.outcome, record.detail) for record in reversed(found)] == [
        ("failed", {"error": "ConfigurationError"}),
        ("succeeded", {"to": destination.url_shown, "dry_run": True}),
        ("succeeded", places),
    ]


def test_the_moved_store_is_used_as_before(
    source_url: str,
    other_empty_url: str,
    kept_sealer: Sealer,
    open_store: Callable[[str], Store],
) -> None:
    """Values open in the new place, and a number that a purged secret had is not given again."""
    manager = SecretsManager(open_store(source_url), kept_sealer)
    gone = manager.create_secret(**ME, name="gone", value=value("v"))
    with open_store(source_url).read() as tx:
        used = row_id(tx, gone.arn)
    manager.delete_secret(**ME, secret_id="gone", force_without_recovery=True)
    moved.run(source_url, other_empty_url)
    store = open_store(other_empty_url)
    manager = SecretsManager(store, kept_sealer)
    assert manager.get_secret_value(**ME, secret_id="app/token").value.string == "second"
    made = manager.create_secret(**ME, name="new", value=value("v"))
    with store.read() as tx:
        assert row_id(tx, made.arn) == used + 1


def test_nobody_writes_to_the_old_store_any_more(
    source_url: str, other_empty_url: str, kept_sealer: Sealer, open_store: Callable[[str], Store]
) -> None:
    """The old store says where the new one is, without its password; who had it open already is refused too."""
    manager = SecretsManager(open_store(source_url), kept_sealer)
    before = moved.rows(source_url)
    moved.run(source_url, other_empty_url)
    place = make_url(other_empty_url).set(query={})
    with pytest.raises(StoreUnavailable) as refused:
        Store.open(source_url, create=False)
    assert f"was moved to {place.render_as_string(hide_password=True)}." in str(refused.value)
    if place.password:
        assert str(place.password) not in str(refused.value)
    with pytest.raises(StoreUnavailable, match="moved"):
        manager.put_secret_value(**ME, secret_id="app/token", value=value("lost"))
    with pytest.raises(StoreUnavailable, match="moved"):
        manager.create_secret(**ME, name="lost", value=value("lost"))
    with pytest.raises(StoreUnavailable, match="was moved"):
        moved.run(source_url, other_empty_url)
    assert moved.rows(source_url) == before


def test_the_way_back_is_another_move(
    source_url: str, other_empty_url: str, tmp_path: Path
) -> None:
    """A store that was moved can be moved on, to an empty database."""
    before = moved.rows(source_url)
    moved.run(source_url, other_empty_url)
    back = f"sqlite:///{tmp_path / 'back.db'}"
    moved.run(other_empty_url, back)
    assert moved.rows(back) == before
    assert _state(other_empty_url) is SchemaState.MOVED


def test_while_it_moves_the_source_is_read_and_the_destination_unusable(
    source_url: str, other_empty_url: str, open_store: Callable[[str], Store]
) -> None:
    """At each step writers of the source are refused, its readers are not, and nobody gets into the destination."""
    reader = open_store(source_url)
    writer = Store.open(source_url, create=False, lock_timeout=0.05)
    tried = 0

    def try_both(progress: moving.Progress) -> None:
        nonlocal tried
        if progress.done or progress.table not in {"secrets", "versions"}:
            return
        tried += 1
        with reader.read() as tx:
            assert row_id(tx, "app/token")
        with pytest.raises(StoreUnavailable, match="locked"), writer.write() as tx:
            tx.connection.exec_driver_sql("UPDATE secrets SET description = 'lost'")
        with pytest.raises(StoreUnavailable, match=r"incomplete.*run the same rotate db migrate"):
            Store.open(other_empty_url, create=False)

    moved.run(source_url, other_empty_url, observe=try_both)
    writer.close()
    assert tried == 4


def test_a_rotation_at_work_refuses_the_move(
    source_url: str, other_empty_url: str, open_store: Callable[[str], Store]
) -> None:
    """A live lease is named with its owner, and nothing is begun; an expired one moves along."""
    store = open_store(source_url)
    begin_rotation(store, "app/token", token=token(9), state=MachineState())
    with pytest.raises(RotationInProgress, match="secret:app/token-"):
        moved.run(source_url, other_empty_url)
    with pytest.raises(RotationInProgress, match="secret:app/token-"):
        _plan(source_url, None)
    assert _state(source_url) is SchemaState.CURRENT
    _execute(source_url, "UPDATE rotations SET lease_expires = 0")
    before = moved.rows(source_url)
    moved.run(source_url, other_empty_url)
    assert moved.rows(other_empty_url) == before


def test_a_destination_with_data_of_its_own_is_left_alone(
    source_url: str, other_empty_url: str
) -> None:
    """A store with a secret, an earlier release's and a moved one are refused as destinations, unchanged."""
    older_store.load(other_empty_url)
    before = older_store.contents(other_empty_url)
    with pytest.raises(ConfigurationError, match="data or tables of its own"):
        moved.run(source_url, other_empty_url)
    assert older_store.contents(other_empty_url) == before
    _upgrade(other_empty_url)
    with pytest.raises(ConfigurationError, match="data or tables of its own"):
        moved.run(source_url, other_empty_url)
    assert _state(source_url) is SchemaState.CURRENT


def _upgrade(url: str) -> None:
    database = Database.connect(url, create=True)
    schema.upgrade(database)
    database.close()


def test_an_empty_store_is_a_destination(source_url: str, other_empty_url: str) -> None:
    """A database that `rotate db upgrade` has prepared is taken."""
    before = moved.rows(source_url)
    _upgrade(other_empty_url)
    assert _plan(source_url, other_empty_url).destination is Destination.EMPTY
    moved.run(source_url, other_empty_url)
    assert moved.rows(other_empty_url) == before


def test_the_copy_of_another_store_is_not_completed_from_this_one(
    source_url: str, other_empty_url: str, tmp_path: Path
) -> None:
    """What was begun from one store can't be gone on with from another: the message names the first."""
    _interrupted(source_url, other_empty_url)
    stranger = moved.upgraded(f"sqlite:///{tmp_path / 'stranger.db'}")
    with pytest.raises(StoreUnavailable) as refused:
        moved.run(stranger, other_empty_url)
    place = make_url(source_url).set(query={}).render_as_string(hide_password=True)
    assert f"{place} is being moved here" in str(refused.value)


def _interrupted(source_url: str, url: str, *, at: str = "versions") -> None:
    def interrupt(progress: moving.Progress) -> None:
        if progress.table == at and progress.done:
            raise KeyboardInterrupt

    with suppress(KeyboardInterrupt):
        moved.run(source_url, url, observe=interrupt)
    assert _state(url) is SchemaState.INCOMPLETE
    assert _state(source_url) is SchemaState.CURRENT


def test_an_interrupted_move_trusts_nothing_that_is_there(
    source_url: str,
    other_empty_url: str,
    kept_sealer: Sealer,
    open_store: Callable[[str], Store],
) -> None:
    """What changed in the source meanwhile, and what was altered or added in the copy, is put right."""
    _interrupted(source_url, other_empty_url, at="words")
    assert _plan(source_url, other_empty_url).destination is Destination.BEGUN
    manager = SecretsManager(open_store(source_url), kept_sealer)
    manager.delete_secret(**ME, secret_id="app/certificate", force_without_recovery=True)
    manager.create_secret(**ME, name="app/certificate", value=value("under the same name"))
    manager.put_secret_value(**ME, secret_id="app/token", value=value("newer"))
    _execute(other_empty_url, "UPDATE versions SET pinned = NOT pinned")
    _execute(other_empty_url, "UPDATE labels SET version_id = 'swapped'")
    _execute(other_empty_url, "DELETE FROM tags")
    before = moved.rows(source_url)
    moved.run(source_url, other_empty_url)
    assert moved.rows(other_empty_url) == before


def test_a_row_that_is_altered_behind_its_back_stops_the_move(
    source_url: str, other_empty_url: str
) -> None:
    """Who writes to the copy by hand is found out by the comparison; the source stays the store."""

    def alter(progress: moving.Progress) -> None:
        if progress.table == "rotation_events" and progress.stage is Stage.COPYING:
            _execute(other_empty_url, "UPDATE secrets SET description = 'altered'")

    with pytest.raises(StoreUnavailable, match="table secrets is not what the source holds"):
        moved.run(source_url, other_empty_url, observe=alter)
    assert _state(source_url) is SchemaState.CURRENT
    assert _state(other_empty_url) is SchemaState.INCOMPLETE


def test_of_two_runs_at_once_the_earlier_one_is_refused(
    source_url: str, other_empty_url: str
) -> None:
    """A run that was taken for dead and went on finds that another has taken its place."""

    def take_over(progress: moving.Progress) -> None:
        if progress.table == "versions" and progress.stage is Stage.COPYING:
            _execute(other_empty_url, "UPDATE moves SET run = 'another'")

    with pytest.raises(StoreUnavailable, match="Another process"):
        moved.run(source_url, other_empty_url, observe=take_over)
    assert _state(source_url) is SchemaState.CURRENT


def _plan(source_url: str, url: str | None) -> moving.Plan:
    source = Database.connect(source_url, create=False)
    destination = None if url is None else Database.connect(url, create=False)
    try:
        return moving.plan(source, destination)
    finally:
        source.close()
        if destination is not None:
            destination.close()


def test_a_database_that_cannot_hold_every_text_is_refused(
    tmp_path: Path, pg16: DatabaseServer, store_role: Role
) -> None:
    """A PostgreSQL database in another encoding than UTF-8 is refused before anything is made there."""
    statement = "CREATE DATABASE {} OWNER {} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0"
    name = sql.Identifier("store_latin1"), sql.Identifier(store_role.name)
    pg16.execute(sql.SQL(statement).format(*name))
    try:
        source_url = moved.upgraded(f"sqlite:///{tmp_path / 'store.db'}")
        latin1 = postgresql_url(pg16, store_role, dbname="store_latin1")
        with pytest.raises(ConfigurationError, match="encoding LATIN1"):
            moved.run(source_url, latin1)
        assert older_store.columns(latin1) == {}
    finally:
        pg16.execute("DROP DATABASE store_latin1 WITH (FORCE)")


@only_sqlite
def test_a_text_that_the_other_engine_cannot_hold_is_named(
    source_url: str, other_empty_url: str
) -> None:
    """PostgreSQL holds no NUL in a text: the table is named, and the source stays the store."""
    _execute(source_url, "UPDATE secrets SET description = 'a' || char(0) || 'b'")
    with pytest.raises(StoreUnavailable, match=r"table secrets can't be held.*NUL"):
        moved.run(source_url, other_empty_url)
    assert _state(source_url) is SchemaState.CURRENT
