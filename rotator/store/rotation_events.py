"""Queries on the steps of a rotation, as they went."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import bindparam, insert, select

from rotator.store import tables
from rotator.store.tx import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """One step of a rotation as it went.

    Attributes:
        seconds: how long it took; None for the step that is a commit itself.
    """

    at: datetime
    phase: str
    attempt: int
    outcome: str
    seconds: float | None = None
    detail: str | None = None


IN_USE = "in-use"
"""The outcome of the step that found sessions with the old credential; its detail names them."""


_E = tables.rotation_events.c
_INSERT = insert(tables.rotation_events).inline()
_EVENTS = (
    select(*[_E[field.name] for field in fields(EventRow)])
    .where(_E.rotation_id == bindparam("rotation_id"))
    .order_by(_E.id)
)

_LAST_IN_USE = (
    select(_E.detail)
    .where(
        _E.rotation_id == bindparam("rotation_id"),
        _E.outcome == bindparam("outcome"),
    )
    .order_by(_E.id.desc())
    .limit(1)
)


def load(tx: Tx, rotation_id: str) -> tuple[EventRow, ...]:
    """What happened in a rotation, oldest first."""
    found = tx.execute(_EVENTS, {"rotation_id": rotation_id}).mappings()
    return tuple(EventRow(**mapping) for mapping in found)


def add(tx: Tx, rotation_id: str, records: Sequence[EventRow]) -> None:
    """Appends what happened since the last commit."""
    if records:
        tx.execute(
            _INSERT,
            [
                {
                    "rotation_id": rotation_id,
                    "at": record.at,
                    "phase": record.phase,
                    "attempt": record.attempt,
                    "outcome": record.outcome,
                    "seconds": record.seconds,
                    "detail": record.detail,
                }
                for record in records
            ],
        )


def last_in_use(tx: Tx, rotation_id: str) -> str | None:
    """Who used the old credential when the target was asked last; None where nobody is known to have."""
    of = {"rotation_id": rotation_id, "outcome": IN_USE}
    found: str | None = tx.execute(_LAST_IN_USE, of).scalar_one_or_none()
    return found
