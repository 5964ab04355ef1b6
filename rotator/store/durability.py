"""What the database itself says about how durable a commit is, for `rotate doctor`."""

from collections.abc import Mapping

from sqlalchemy import text

from rotator.store.database import Database

_SQLITE = ("journal_mode", "synchronous")
_POSTGRESQL = ("fsync", "full_page_writes", "synchronous_commit")
_SYNCHRONOUS = {"0": "off", "1": "normal", "2": "full", "3": "extra"}
_SAFE = {
    "journal_mode": {"wal"},
    "synchronous": {"full", "extra"},
    "fsync": {"on"},
    "full_page_writes": {"on"},
    "synchronous_commit": {"on", "remote_apply"},
}


def durability(store: Database) -> Mapping[str, str]:
    """Each setting as the database reports it for this process's own connections."""
    names, verb = (_SQLITE, "PRAGMA") if store.dialect == "sqlite" else (_POSTGRESQL, "SHOW")
    with store.read() as tx:
        found = {
            name: str(tx.connection.execute(text(f"{verb} {name}")).scalar_one()) for name in names
        }
    return (
        found | {"synchronous": _SYNCHRONOUS.get(found["synchronous"], "?")}
        if "synchronous" in found
        else found
    )


def unsafe(reported: Mapping[str, str]) -> tuple[str, ...]:
    """The settings under which a crash of the machine could lose or damage what was committed."""
    return tuple(name for name, value in reported.items() if value not in _SAFE[name])
