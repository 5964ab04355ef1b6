"""What the operations on the audit answer."""

from dataclasses import dataclass
from datetime import datetime

from rotator.store.audit_search import AuditRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    """Some of the records; `next_cursor` is None on the last page."""

    records: tuple[AuditRecord, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptHead:
    """The head of one chain, to be kept elsewhere; its parts in hexadecimal."""

    shard: int
    seq: int
    mac: str
    seal: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Heads:
    """Every head, under the seal of the audit key.

    Attributes:
        fingerprint: of the key.
    """

    at: datetime
    fingerprint: str
    heads: tuple[KeptHead, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditState:
    """How the audit stands, as far as heads and last checkpoint tell without a walk over the records."""

    records: int
    checkpoint: int
    checkpoint_at: datetime
