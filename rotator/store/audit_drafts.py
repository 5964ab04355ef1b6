"""Audit records as far as they can be worked out before they have a place in a chain. Pure.

While records are chained everybody else waits to write: on SQLite for the store, on PostgreSQL for the head of a shard.
So what is left to do by then is little.
"""

from collections.abc import Mapping
from typing import Any

from rotator.crypto.audit_key import AuditKey
from rotator.store.audit_chain import encoded, in_json, quoted, text_mac
from rotator.store.notes import AuditEntry


class Draft:
    """A record without its place.

    Attributes:
        columns: of its row, but for its place and its code.
    """

    __slots__ = ("_after", "_before", "_between", "columns")

    def __init__(self, entry: AuditEntry) -> None:
        detail = None if entry.detail is None else encoded(entry.detail)
        # With the place in between it is what `audit_chain.canonical` gives of the whole row, column by column.
        self._before = _member("account", entry.account)
        self._between = "".join(
            (
                _member("detail", detail),
                _member("event", entry.event),
                _member("outcome", entry.outcome),
                _member("principal", entry.principal),
                _member("region", entry.region),
                _member("request_id", entry.request_id),
                _member("revision", entry.revision),
                _member("secret_arn", entry.secret_arn),
            )
        )
        self._after = _member("version_id", entry.version_id)
        self.columns: Mapping[str, Any] = entry._asdict() | {
            "detail": None if detail is None else str(detail)
        }

    @classmethod
    def of(cls, entry: "AuditEntry | Draft") -> "Draft":
        """The draft of a record, itself where it is one."""
        return entry if isinstance(entry, Draft) else cls(entry)

    def mac(self, key: AuditKey, previous: bytes, *, shard: int, seq: int, at: str) -> bytes:
        """The code of the record in its place.

        Args:
            previous: the code of the record before it.
            at: its time, `in_json`.
        """
        text = f'[{self._before}"at",{at},{self._between}"seq",{seq},"shard",{shard},{self._after}'
        return text_mac(key, previous, f"{text[:-1]}]".encode())


def _member(name: str, value: Any) -> str:
    if value is None:
        return ""
    return f'"{name}",{quoted(value) if type(value) is str else in_json(value)},'
