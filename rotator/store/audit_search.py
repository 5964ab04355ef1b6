"""Audit records as they are asked for: by secret, principal, event, outcome and time, a page at a time."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, func, select, text, tuple_

from rotator.model.names import parse_secret_id, split_suffix
from rotator.store.tables import audit
from rotator.store.tx import Tx

_SUFFIX = 7  # of an ARN: a hyphen and six characters
_PAST_THE_ALPHABET = "\x7f"
_NEXT_ARN = select(func.min(audit.c.secret_arn)).where(
    audit.c.secret_arn > bindparam("after"), audit.c.secret_arn < bindparam("end")
)
_TROUBLE = text("outcome <> 'succeeded'")  # in the words of its partial index
_ORDER = (audit.c.at, audit.c.shard, audit.c.seq)
_COUNT_OLD = select(func.count()).where(audit.c.at < bindparam("before"))


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which records to show; None leaves a condition out.

    Attributes:
        secret: its name or ARN; records of deleted secrets of this name count too.
        outcome: `succeeded`, `denied` or `failed`.
        since: not before this moment.
        until: before this moment.
    """

    secret: str | None = None
    principal: str | None = None
    event: str | None = None
    outcome: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """One record: every column of its row, in the words of `rotator.store.tables`."""

    shard: int
    seq: int
    at: datetime
    request_id: str
    account: str
    region: str
    principal: str
    event: str
    secret_arn: str | None
    version_id: str | None
    outcome: str
    detail: Mapping[str, Any] | None
    revision: int | None
    mac: bytes | None

    @property
    def place(self) -> "Place":
        """Its place in the order of all records."""
        return self.at, self.shard, self.seq


Place = tuple[datetime, int, int]

_RECORDS = select(*(audit.c[field.name] for field in fields(AuditRecord)))


def page(
    tx: Tx,
    where: AuditFilter,
    *,
    account: str,
    region: str,
    after: Place | None,
    limit: int,
    newest_first: bool,
) -> Sequence[AuditRecord]:
    """The first records that pass the filter.

    Args:
        account: of a secret that is given by its bare name, as `region` is.
        after: the place of the last record of the page before.
    """
    order = [column.desc() for column in _ORDER] if newest_first else _ORDER
    statement = _filtered(where).order_by(*order).limit(limit)
    if after is not None:
        place = tuple_(*_ORDER)
        statement = statement.where(place < after if newest_first else place > after)
    if where.secret is None:
        return _run(tx, statement)
    found: list[AuditRecord] = []
    for arn in _arns(tx, where.secret, account=account, region=region):
        found += _run(tx, statement.where(audit.c.secret_arn == arn))
    return sorted(found, key=lambda record: record.place, reverse=newest_first)[:limit]


def count_old(tx: Tx, before: datetime) -> int:
    """How many records are older than a moment."""
    return int(tx.execute(_COUNT_OLD, {"before": before}).scalar_one())


def _filtered(where: AuditFilter) -> Select[*tuple[Any, ...]]:
    statement = _RECORDS
    for column, wanted in (
        (audit.c.principal, where.principal),
        (audit.c.event, where.event),
        (audit.c.outcome, where.outcome),
    ):
        if wanted is not None:
            statement = statement.where(column == wanted)
    if where.outcome not in {None, "succeeded"}:
        statement = statement.where(_TROUBLE)
    if where.since is not None:
        statement = statement.where(audit.c.at >= where.since)
    if where.until is not None:
        statement = statement.where(audit.c.at < where.until)
    return statement


def _arns(tx: Tx, secret: str, *, account: str, region: str) -> Iterator[str]:
    """What records of this secret name: its ARN, those of others of its name, and what refused callers gave."""
    ref = parse_secret_id(secret)
    if ref.arn is not None and split_suffix(ref.name) is not None:
        yield ref.arn
        return
    yield secret
    start = ref.arn or f"arn:aws:secretsmanager:{region}:{account}:secret:{ref.name}"
    if start != secret:
        yield start
    after, end = f"{start}-", f"{start}-{_PAST_THE_ALPHABET}"
    while (arn := tx.execute(_NEXT_ARN, {"after": after, "end": end}).scalar_one()) is not None:
        if len(arn) == len(start) + _SUFFIX:
            yield arn
        after = arn


def _run(tx: Tx, statement: Select[*tuple[Any, ...]]) -> Sequence[AuditRecord]:
    return [AuditRecord(**row) for row in tx.connection.execute(statement).mappings()]
