"""The chained audit: what every column, row and head of it is worth to who alters it."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import BigInteger, Column, delete, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from rotator.crypto.audit_key import AuditKeyFile, GivenAuditKey
from rotator.crypto.envelope import Sealer
from rotator.errors import AuditBroken, KeyUnavailable, StoreUnavailable
from rotator.manager.audit_results import KeptHead
from rotator.manager.auditing import Auditing
from rotator.manager.manager import SecretsManager
from rotator.store import audit_checkpoints, audit_heads, audit_trail, audit_verifying
from rotator.store.audit_chain import CHECKPOINTS, UNCHAINED
from rotator.store.audit_faults import Verification, Wrong
from rotator.store.notes import AuditEntry
from rotator.store.store import Store
from rotator.store.tables import Instant, audit, metadata
from tests.support.manager import ME, value
from tests.support.store import only_postgresql, only_sqlite

FUTURE = datetime(2100, 1, 1, tzinfo=UTC)
HEAD_TABLE = metadata.tables["audit_heads"]
CHECKPOINT_TABLE = metadata.tables["audit_checkpoints"]
ALTERABLE = [
    column
    for name in ("audit", "audit_heads", "audit_checkpoints")
    for column in metadata.tables[name].columns
]


def entry(event: str = "GetSecretValue", **changes: Any) -> AuditEntry:
    fields: dict[str, Any] = {
        "request_id": "request",
        "account": "123456789012",
        "region": "eu-central-1",
        "principal": "local:alice",
        "secret_arn": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:db-abcdef",
        "version_id": "v" * 32,
        "outcome": "succeeded",
        "detail": {"a": [1, 2.5, None], "ä": True},
    }
    return AuditEntry(event=event, **fields | changes)


def fill(store: Store, count: int = 4, **changes: Any) -> None:
    """Writes this many records, one a transaction."""
    for number in range(count):
        with store.write() as tx:
            tx.record(entry(**{"request_id": f"request-{number}"} | changes))


def verified(store: Store, kept: tuple[KeptHead, ...] = ()) -> Verification:
    return Auditing(store).verify(**ME, kept=kept)


def wrongs(store: Store, kept: tuple[KeptHead, ...] = ()) -> list[tuple[str, int | None, Wrong]]:
    return [(f.chain, f.seq, f.wrong) for f in verified(store, kept).faults]


def tamper(store: Store, *statements: Any) -> None:
    """Changes the store as somebody who has no audit key."""
    with store.write() as tx:
        for statement in statements:
            tx.connection.execute(statement)


def the_shard(store: Store) -> int:
    """The one that this process's records are in."""
    with store.read() as tx:
        found = tx.connection.execute(
            select(audit.c.shard).where(audit.c.shard >= 0).distinct()
        ).scalars()
        return int(found.one())


def _other(column: Column[Any], value: Any) -> Any:
    """Another value that the column can hold."""
    if isinstance(column.type, Instant):
        return value + timedelta(microseconds=1)
    if isinstance(value, dict):
        return {**value, "0": [0, "00" * 32]}
    if isinstance(column.type, BigInteger):
        return (value or 0) + 1000
    if isinstance(value, int):
        return value + 1000
    if isinstance(value, bytes):
        return bytes([value[0] ^ 1]) + value[1:]
    return "succeede_" if value is None else f"{value[:-1]}_"


@pytest.mark.parametrize("column", ALTERABLE, ids=str)
def test_a_change_of_any_column_is_found(store: Store, column: Column[Any]) -> None:
    """Whichever column of whichever table of the audit is altered in one row, verifying says so."""
    fill(store)
    store.checkpoint(audit_checkpoints.Reason.ASKED)
    fill(store)
    assert verified(store).faults == ()
    table = column.table
    keys = list(table.primary_key.columns)
    with store.read() as tx:
        row = tx.connection.execute(select(table).order_by(*keys).limit(1)).one()
    here = [key == row._mapping[key.name] for key in keys]
    tamper(
        store,
        update(table).where(*here).values({column.name: _other(column, row._mapping[column.name])}),
    )
    assert verified(store).faults


@pytest.mark.parametrize(
    "column", [c for c in audit.columns if c.nullable and c.name != "revision"], ids=str
)
def test_emptying_a_column_is_found(store: Store, column: Column[Any]) -> None:
    """A value that is taken away is missed."""
    fill(store)
    tamper(store, update(audit).where(audit.c.seq == 2).values({column.name: None}))
    assert [fault[1:] for fault in wrongs(store)] == [(2, Wrong.ALTERED)]


@only_sqlite
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit SET at = 'never' WHERE seq = 2",
        "UPDATE audit SET detail = '{' WHERE seq = 2",
        "UPDATE audit SET mac = 'text' WHERE seq = 2",
        "UPDATE audit SET request_id = x'00' WHERE seq = 2",
        "UPDATE audit SET event = 1.5 WHERE seq = 2",
    ],
)
def test_what_no_column_can_hold_is_found(store: Store, change: str) -> None:
    """SQLite takes any value in any column; verifying ends at such a row as at any other altered one."""
    fill(store)
    tamper(store, text(change))
    assert wrongs(store) == [("shard 0", 2, Wrong.ALTERED)]


def test_a_removed_record_is_found(store: Store) -> None:
    """A gap in the numbers is named."""
    fill(store)
    shard = the_shard(store)
    tamper(store, delete(audit).where(audit.c.seq == 2))
    assert wrongs(store) == [(f"shard {shard}", 2, Wrong.REMOVED)]


def test_swapped_records_are_found(store: Store) -> None:
    """Two records in each other's places."""
    fill(store)
    shard = the_shard(store)
    places = ((2, -2), (3, 2), (-2, 3))
    tamper(store, *(update(audit).where(audit.c.seq == a).values(seq=b) for a, b in places))
    assert wrongs(store) == [(f"shard {shard}", 2, Wrong.ALTERED)]


def test_a_record_that_moved_to_another_shard_is_found(store: Store) -> None:
    """It is missed in the one and has no place in the other."""
    fill(store)
    shard = the_shard(store)
    elsewhere = (shard + 1) % 16
    tamper(store, update(audit).where(audit.c.seq == 1).values(shard=elsewhere))
    assert sorted(wrongs(store)) == sorted(
        [(f"shard {shard}", 1, Wrong.REMOVED), (f"shard {elsewhere}", 1, Wrong.INSERTED)]
    )


@pytest.mark.parametrize(("shard", "seq"), [(99, 1), (-7, 1), (5, 10**6), (CHECKPOINTS, 1)])
def test_an_inserted_record_is_found(store: Store, shard: int, seq: int) -> None:
    """In a shard that is none, or after the end of one."""
    fill(store)
    with store.read() as tx:
        row = tx.connection.execute(select(audit).where(audit.c.seq == 1)).one()
    tamper(store, insert(audit).values({**row._mapping, "shard": shard, "seq": seq}))
    assert [fault[2] for fault in wrongs(store)] == [Wrong.INSERTED]


def test_an_unchained_record_that_was_inserted_is_found(store: Store) -> None:
    """Nobody adds to what an earlier release left."""
    fill(store)
    with store.read() as tx:
        row = tx.connection.execute(select(audit).where(audit.c.seq == 1)).one()
    tamper(store, insert(audit).values({**row._mapping, "shard": UNCHAINED, "mac": None}))
    assert wrongs(store) == [("unchained", None, Wrong.INSERTED)]


def test_a_cut_chain_is_found(store: Store) -> None:
    """The head names a record that is not there."""
    fill(store)
    shard = the_shard(store)
    tamper(store, delete(audit).where(audit.c.seq > 2))
    assert wrongs(store) == [(f"shard {shard}", 3, Wrong.CUT)]


def test_a_head_that_was_put_back_needs_heads_kept_elsewhere(store: Store) -> None:
    """Records and their heads put back to an earlier state verify by themselves, but not against later heads."""
    fill(store)
    with store.read() as tx:
        earlier = tx.connection.execute(select(metadata.tables["audit_heads"])).all()
    fill(store)
    later = Auditing(store).heads(**ME).heads
    shard = the_shard(store)
    table = metadata.tables["audit_heads"]
    tamper(
        store,
        delete(table),
        insert(table).values([dict(row._mapping) for row in earlier]),
        delete(audit).where(audit.c.seq > 4),
    )
    assert (
        audit_verifying.verify(store).faults == ()
    )  # as another process would, which hasn't seen the later ones
    assert wrongs(store, later) == [(f"shard {shard}", 5, Wrong.CUT)]


def test_a_shard_that_was_put_back_contradicts_a_later_checkpoint(store: Store) -> None:
    """Heads kept elsewhere aren't needed where a checkpoint came in between."""
    fill(store)
    shard = the_shard(store)
    heads = metadata.tables["audit_heads"]
    with store.read() as tx:
        earlier = tx.connection.execute(select(heads).where(heads.c.shard == shard)).one()
    fill(store)
    store.checkpoint(audit_checkpoints.Reason.ASKED)
    tamper(
        store,
        update(heads).where(heads.c.shard == shard).values(dict(earlier._mapping)),
        delete(audit).where(audit.c.seq > 4),
    )
    assert [(chain, wrong) for chain, _, wrong in wrongs(store)] == [(f"shard {shard}", Wrong.CUT)]


def test_kept_heads_that_still_hold_are_no_fault(store: Store) -> None:
    """The chain has gone on since they were kept."""
    fill(store)
    kept = Auditing(store).heads(**ME).heads
    fill(store)
    assert wrongs(store, kept) == []


def test_nothing_is_written_after_a_head_that_was_altered(
    store: Store, store_url: str, open_store: Callable[[str], Store]
) -> None:
    """A write would seal it anew and hide what was done; it is refused, and nothing of it is kept."""
    fill(store)
    heads = metadata.tables["audit_heads"]
    tamper(store, update(heads).where(heads.c.shard >= 0).values(seq=heads.c.seq + 1))
    before = _counts(store)
    for writer in (store, open_store(store_url)):
        with pytest.raises(AuditBroken, match="rotate audit verify"):
            fill(writer, 1)
    assert _counts(store) == before


def test_a_head_that_went_back_under_a_running_process_is_refused(store: Store) -> None:
    """Its own memory of the head tells."""
    fill(store)
    heads = metadata.tables["audit_heads"]
    with store.read() as tx:
        earlier = tx.connection.execute(select(heads)).all()
    fill(store)
    tamper(store, delete(heads), insert(heads).values([dict(row._mapping) for row in earlier]))
    with pytest.raises(AuditBroken, match="put back"):
        fill(store, 1)


def test_another_key_is_refused_before_it_writes(
    store: Store, store_url: str, tmp_path: Any
) -> None:
    """A wrong key harms nothing, and the message tells it from tampering."""
    fill(store)
    before = _counts(store)
    source = AuditKeyFile(tmp_path / "audit.key")
    source.make()
    other = Store.open(store_url, create=False, audit_key=source)
    try:
        with pytest.raises(KeyUnavailable, match="not the one"):
            fill(other, 1)
        with pytest.raises(KeyUnavailable, match="not the one"):
            verified(other)
        with pytest.raises(KeyUnavailable, match="not the one"):
            other.record(entry())
    finally:
        other.close()
    assert _counts(store) == before
    assert verified(store).faults == ()


def test_without_a_key_nothing_is_recorded_and_nothing_written(
    store_url: str,
) -> None:
    """What can't be audited fails; what needs no record goes on."""
    bare = Store.open(store_url, create=False)
    try:
        with pytest.raises(KeyUnavailable):
            _delete_and_record(bare)
        with bare.read() as tx:
            assert tx.connection.execute(text("SELECT count(*) FROM alembic_version")).scalar_one()
    finally:
        bare.close()


def test_a_removed_audit_is_not_silently_begun_anew(store: Store) -> None:
    """Where everything was removed, the key that is there tells that there was an audit."""
    fill(store)
    tamper(store, *(delete(metadata.tables[name]) for name in metadata.tables if "audit" in name))
    fresh = Store.open(_url(store), create=False, audit_key=_KEY)
    try:
        with pytest.raises(KeyUnavailable, match="rotate init"):
            fill(fresh, 1)
        assert verified(fresh).faults
    finally:
        fresh.close()


def test_a_rollback_leaves_no_gap(store: Store) -> None:
    """A record of a transaction that was not kept has no number."""
    fill(store, 2)
    with pytest.raises(ZeroDivisionError):
        _fail_in_the_middle(store)
    fill(store, 2)
    assert verified(store) == Verification(
        records=4, checkpoints=1, unchained=0, secrets=0, faults=()
    )


def test_a_refused_record_leaves_no_gap(store: Store) -> None:
    """A record that the store or its canonical form doesn't take fails alone; the next one is written."""
    fill(store, 1)
    with pytest.raises(TypeError, match="object"), store.write() as tx:
        tx.record(entry(detail={"not": object()}))
    fill(store, 1)
    assert verified(store).records == 2
    assert verified(store).faults == ()


def test_threads_of_several_processes_leave_one_valid_audit(
    store: Store, store_url: str, open_store: Callable[[str], Store]
) -> None:
    """Four stores on one database, four threads each, writers and readers: every record is in its place."""
    stores = [store, *(open_store(store_url) for _ in range(3))]

    def work(one: Store) -> None:
        for _ in range(10):
            with one.write() as tx:
                tx.record(entry("PutSecretValue"))
                tx.record(entry("Followed"))
            one.record(entry("GetSecretValue"))

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(work, stores * 4))
    assert verified(store) == Verification(
        records=480, checkpoints=1, unchained=0, secrets=0, faults=()
    )


def test_checkpoints_come_by_themselves_and_while_others_write(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each time that a shard's number passes a multiple; nobody who writes meanwhile is in its way."""
    monkeypatch.setattr(audit_trail, "EVERY", 10)

    def work(_: int) -> None:
        for _ in range(15):
            store.record(entry())
            with store.write() as tx:
                tx.record(entry())
            store.checkpoint(audit_checkpoints.Reason.ASKED)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, range(4)))
    found = verified(store)
    assert (found.records, found.faults) == (120, ())
    assert found.checkpoints > 61


def test_pruning_leaves_an_audit_that_verifies(
    store: Store, store_url: str, open_store: Callable[[str], Store]
) -> None:
    """Old records go, those after them stay, and a record says who did it; kept heads are taken all the same."""
    for other in (open_store(store_url) for _ in range(3)):
        fill(other, 3)
    store.checkpoint(audit_checkpoints.Reason.ASKED)
    kept = Auditing(store).heads(**ME).heads
    moment = _now(store)
    fill(store, 2, event="After")

    assert Auditing(store).prune(**ME, before=moment) == 10  # that of who asked for the heads too

    found = verified(store, kept)
    assert found.faults == ()
    assert "GetSecretValue" not in _events(store)
    assert _events(store).count("After") == 2
    assert "PruneAudit" in _events(store)
    assert Auditing(store).prune(**ME, before=moment) == 0


def test_a_pruned_record_that_is_put_back_is_found(store: Store) -> None:
    """What went may not come back."""
    fill(store)
    shard = the_shard(store)
    with store.read() as tx:
        row = tx.connection.execute(select(audit).where(audit.c.seq == 2)).one()
    Auditing(store).prune(**ME, before=_now(store))
    assert wrongs(store) == []
    tamper(store, insert(audit).values(dict(row._mapping)))
    assert wrongs(store) == [(f"shard {shard}", 2, Wrong.INSERTED)]


def test_pruning_hides_no_tampering(store: Store) -> None:
    """An altered record is not removed, and the refusal says what to do."""
    fill(store)
    tamper(store, update(audit).where(audit.c.seq == 2).values(principal="local:nobody"))
    with pytest.raises(AuditBroken, match="rotate audit verify"):
        Auditing(store).prune(**ME, before=FUTURE)
    assert _counts(store)["audit"] == 4


def test_pruning_everything_leaves_the_next_record_in_its_chain(store: Store) -> None:
    """Numbers and codes go on from what was removed."""
    fill(store)
    Auditing(store).prune(**ME, before=FUTURE)
    fill(store, 1)
    assert wrongs(store) == []


def test_what_cannot_be_committed_answers_nobody(store: Store) -> None:
    """A reading transaction whose record can't be written fails, for each thread that waits."""
    if store.dialect == "sqlite":
        stop = "CREATE TRIGGER stop BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no'); END"
    else:
        stop = "ALTER TABLE audit ADD CONSTRAINT stop CHECK (false) NOT VALID"
    tamper(store, text(stop))

    def look(_: int) -> str:
        with store.read() as tx:
            tx.record(entry())
        return "answered"

    with ThreadPoolExecutor(8) as threads:
        looks = [threads.submit(look, number) for number in range(8)]
        failures = [looked.exception(30) for looked in looks]
    assert all(isinstance(failure, StoreUnavailable) for failure in failures)
    assert _counts(store)["audit"] == 0


@only_postgresql
def test_writers_of_one_process_use_several_shards(store: Store) -> None:
    """Threads that commit at the same time don't queue at one head."""
    together = threading.Barrier(4)

    def work(_: int) -> None:
        place = store._trail.take_place()  # what the store does at each commit
        together.wait(30)
        assert place.shard not in taken
        taken.append(place.shard)
        store._trail.give_back(place, committed=True)

    taken: list[int] = []
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, range(4)))
    assert len(set(taken)) == 4


_KEY = GivenAuditKey("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")


def _fail_in_the_middle(store: Store) -> None:
    with store.write() as tx:
        tx.record(entry())
        raise ZeroDivisionError


def _delete_and_record(store: Store) -> None:
    with store.write() as tx:
        tx.connection.execute(text("DELETE FROM alembic_version"))
        tx.record(entry())


def _url(store: Store) -> str:
    return store._engine.url.render_as_string(hide_password=False)


def _now(store: Store) -> datetime:
    with store.read() as tx:
        return tx.now


def _counts(store: Store) -> dict[str, int]:
    with store.read() as tx:
        return {
            name: tx.connection.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in metadata.tables.items()
            if name.startswith("audit")
        }


def _events(store: Store) -> Sequence[str]:
    with store.read() as tx:
        return tx.connection.execute(select(audit.c.event)).scalars().all()


def test_every_chain_has_a_head(store: Store) -> None:
    """Sixteen shards and the checkpoints, on both engines, so that a store can move between them."""
    with store.read() as tx:
        assert set(audit_heads.everything(tx)) == set(range(16)) | {CHECKPOINTS}


def test_a_cut_of_the_checkpoints_is_found_with_their_kept_head(store: Store) -> None:
    """Whoever puts the checkpoints' head back and removes the newer ones contradicts the heads kept elsewhere."""
    fill(store)
    with store.read() as tx:
        old = tx.connection.execute(_CHECKPOINT_HEAD).mappings().one()
    store.checkpoint(audit_checkpoints.Reason.ASKED)
    kept = dict(store.audit_state()[0])
    tamper(
        store,
        delete(CHECKPOINT_TABLE).where(CHECKPOINT_TABLE.c.seq > old["seq"]),
        update(HEAD_TABLE)
        .where(HEAD_TABLE.c.shard == CHECKPOINTS)
        .values(seq=old["seq"], mac=old["mac"], seal=old["seal"]),
    )
    found = audit_verifying.verify(store, kept=kept).faults
    assert [(fault.chain, fault.wrong) for fault in found] == [("checkpoints", Wrong.CUT)]


def test_a_checkpoint_that_fails_harms_no_answer(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was committed is answered, and recorded once, whatever becomes of the checkpoint after it."""
    monkeypatch.setattr(audit_trail, "EVERY", 3)
    monkeypatch.setattr(audit_checkpoints, "_signed", _fails)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: store.record(entry()), range(12)))
    assert _counts(store)["audit"] == 12


def test_an_audit_that_was_removed_is_not_begun_in_silence(store: Store, sealer: Sealer) -> None:
    """A store whose secrets were recorded gets a new audit only when asked for; its first checkpoint says so."""
    SecretsManager(store, sealer).create_secret(**ME, name="db", value=value("v"))
    tamper(store, delete(audit), delete(HEAD_TABLE), delete(CHECKPOINT_TABLE))
    with pytest.raises(AuditBroken, match="it was removed"):
        store.begin_audit()
    assert store.begin_audit(anew=True)
    assert store.audit_state()[1].reason == "begun-anew"


def _fails(*_: object, **__: object) -> None:
    raise IntegrityError("INSERT", None, Exception())


_CHECKPOINT_HEAD = select(HEAD_TABLE).where(HEAD_TABLE.c.shard == CHECKPOINTS)
