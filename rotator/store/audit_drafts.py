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
        request_id, account, region, principal, event, arn, version_id, outcome, told, _ = entry
        detail = None if told is None else encoded(told)
        # With the place in between it is what `audit_chain.canonical` gives of the whole row, column by column.
        self._before = f'["account",{quoted(account)},'
        self._between = (
            ("" if detail is None else f'"detail",{in_json(detail)},')
            + f'"event",{quoted(event)},"outcome",{quoted(outcome)},"principal",{quoted(principal)},'
            f'"region",{quoted(region)},"request_id",{quoted(request_id)},'
            + ("" if entry.revision is None else f'"revision",{in_json(entry.revision)},')
            + ("" if arn is None else f'"secret_arn",{quoted(arn)},')
        )
        self._after = "]" if version_id is None else f',"version_id",{quoted(version_id)}]'
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
        text = f'{self._before}"at",{at},{self._between}"seq",{seq},"shard",{shard}{self._after}'
        return text_mac(key, previous, text.encode())
