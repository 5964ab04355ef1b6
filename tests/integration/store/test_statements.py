"""Prepared statements answer as SQLAlchemy's own execution does, errors included."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import bindparam, insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, MultipleResultsFound, NoResultFound

from rotator.store.statements import Prepared
from rotator.store.store import Store
from rotator.store.tables import rotation_events, secrets, tags

_NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
_INSERT = insert(secrets).returning(secrets.c.id)
_SELECT = select(secrets).where(secrets.c.name == bindparam("at_name"))
_INSERT_TAG = insert(tags)
_BROKEN = text("SELECT nothing FROM nowhere")
_SEVERAL = text("SELECT 1 UNION SELECT 2")
_NO_ROW = select(rotation_events.c.id).where(rotation_events.c.id == bindparam("at_id"))


def _columns(name: str) -> dict[str, object]:
    return {
        "account": "000000000000",
        "region": "us-east-1",
        "name": name,
        "arn": f"arn:{name}",
        "created_at": _NOW,
        "changed_at": _NOW,
        "rotation_enabled": False,
        "authority": {"host": "h", "users": ["u"]},
    }


def test_rows_are_those_of_sqlalchemy(store: Store) -> None:
    """Instants, JSON, booleans and NULLs are converted as SQLAlchemy converts them, the first time and later."""
    with store.write() as tx:
        for name in ("a", "b"):
            assert tx.execute(_INSERT, _columns(name)).scalar_one() > 0
        ours = [tuple(tx.execute(_SELECT, {"at_name": name}).one_or_none() or ()) for name in "ab"]
        theirs = [tuple(tx.connection.execute(_SELECT, {"at_name": name}).one()) for name in "ab"]
    assert ours == theirs
    assert _NOW in ours[0]


def test_several_rows_are_written_at_once(store: Store) -> None:
    """A sequence of parameters runs the statement for each of them."""
    with store.write() as tx:
        secret_id = tx.execute(_INSERT, _columns("a")).scalar_one()
        rows = [{"secret_id": secret_id, "key": key, "value": "v"} for key in "xyz"]
        tx.execute(_INSERT_TAG, rows)
        found = tx.execute(select(tags.c.key).order_by(tags.c.key)).scalars()
        assert list(found) == ["x", "y", "z"]


def test_one_of_several_rows_that_is_refused_refuses_all(store: Store) -> None:
    """A constraint that one of several rows violates is SQLAlchemy's error, and none of them is kept."""
    with store.write() as tx:
        secret_id = tx.execute(_INSERT, _columns("a")).scalar_one()
    rows = [{"secret_id": secret_id, "key": key, "value": "v"} for key in ("x", "y", "x")]
    with pytest.raises(IntegrityError), store.write() as tx:
        tx.execute(_INSERT_TAG, rows)
    with store.read() as tx:
        assert not tx.execute(select(tags.c.key)).all()


def test_several_rows_give_what_they_return(store: Store) -> None:
    """An insertion of several rows gives what it returns of each."""
    with store.write() as tx:
        found = tx.execute(_INSERT, [_columns(name) for name in "abc"])
        assert len(set(found.scalars())) == 3


def test_a_violated_constraint_is_an_integrity_error(store: Store) -> None:
    """The driver's error comes as SQLAlchemy's, without the values of the row."""
    with store.write() as tx:
        tx.execute(_INSERT, _columns("hidden-name"))
    with pytest.raises(IntegrityError) as caught, store.write() as tx:
        tx.execute(_INSERT, _columns("hidden-name"))
    assert "hidden-name" not in str(caught.value)


def test_a_statement_that_fails_is_a_database_error(store: Store) -> None:
    """What the database refuses reaches the caller as SQLAlchemy's error."""
    with pytest.raises(DBAPIError), store.read() as tx:
        tx.execute(_BROKEN)


def test_a_forgotten_parameter_is_refused(store: Store) -> None:
    """A parameter that has no value in the statement must be given."""
    with pytest.raises(KeyError), store.read() as tx:
        tx.execute(_SELECT)


def test_one_row_means_one(store: Store) -> None:
    """Several rows where one was expected are an error, and none is one where there has to be one."""
    with store.read() as tx:
        with pytest.raises(MultipleResultsFound):
            tx.execute(_SEVERAL).one_or_none()
        nothing = tx.execute(_NO_ROW, {"at_id": 1})
        with pytest.raises(NoResultFound):
            nothing.scalar_one()
        assert nothing.scalar_one_or_none() is None


def test_a_statement_is_compiled_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second run of a statement with the same parameters takes what the first one has prepared."""
    seen: list[Prepared] = []
    bind = Prepared.bind

    def watched(prepared: Prepared, parameters: dict[str, object]) -> object:
        if prepared.names:  # a transaction begins with one that has none
            seen.append(prepared)
        return bind(prepared, parameters)

    monkeypatch.setattr(Prepared, "bind", watched)
    with store.read() as tx:
        for name in ("a", "b"):
            tx.execute(_SELECT, {"at_name": name})
    assert len(set(map(id, seen))) == 1
