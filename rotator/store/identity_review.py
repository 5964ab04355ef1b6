"""What the audit says of the rows of principals and access keys, row by row: for people who have to judge them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from operator import itemgetter
from typing import Any

from sqlalchemy import select

from rotator.store import audit_policies, identities
from rotator.store.audit_identities import EVENTS, RESTATED
from rotator.store.audit_walk import Columns
from rotator.store.principal_rows import Identities
from rotator.store.tables import audit
from rotator.store.tx import Tx

_RECORDS = (
    select(*audit.columns)
    .where(audit.c.event.in_(EVENTS), audit.c.outcome == "succeeded")
    .order_by(audit.c.shard, audit.c.seq)
)


class Standing(StrEnum):
    """How a row stands to the records of its changes."""

    AS_RECORDED = "as recorded"
    ALTERED = "altered"
    ADDED = "added"  # no change has made it
    REMOVED = "removed"  # no change has removed it
    UNKNOWN = "no record left"  # they were pruned, or are of a release that kept no digests


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What authentic records say.

    Attributes:
        revision: that the last of them left; 0 where there is none.
        rows: ARN or access key id → digest of the row as it was left, None where it was removed.
        from_the_start: the records begin with the first change, or with one that says all that was left, so that what
            they don't name isn't there.
    """

    revision: int
    mac: str
    rows: Mapping[str, str | None]
    from_the_start: bool


def recorded(tx: Tx) -> Recorded:
    """What the audit says was left by all changes. Records that somebody altered or made up count for nothing.

    Raises:
        KeyUnavailable: there is no audit key, or it can't be used.
    """
    # Of two that say what one revision left, the one that restates it says more, and comes last.
    found = {revision: left for revision, _, left in sorted(_said(tx), key=itemgetter(0, 1))}
    rows: dict[str, str | None] = {}
    for left in found.values():
        rows |= left.get("rows", {})
    newest = max(found, default=0)
    first = max((revision for revision, left in found.items() if left.get("whole")), default=1)
    return Recorded(
        revision=newest,
        mac=found[newest]["mac"] if found else "",
        rows=rows,
        from_the_start=all("rows" in found.get(each, {}) for each in range(first, newest + 1)),
    )


def _said(tx: Tx) -> Iterator[tuple[int, bool, Mapping[str, Any]]]:
    """The revision that an authentic record tells of, whether it restates that, and what it says."""
    if tx.memory.key is None:
        return
    key = tx.memory.key()
    for row in tx.execute(_RECORDS).mappings():
        left = row["detail"].get("access") if isinstance(row["detail"], dict) else None
        if isinstance(left, dict) and audit_policies.is_authentic(tx, key, row):
            yield left["revision"], row["event"] == RESTATED, left


def restated(tx: Tx, rows: Sequence[Columns]) -> Mapping[str, Any] | None:
    """What takes the place of these records, to be asked before they go; None where they are of no change.

    Without it an earlier state that somebody puts back could not be told from the one that was left.

    Raises:
        KeyUnavailable: as `recorded` does.
    """
    if not any(row["event"] in EVENTS and row["outcome"] == "succeeded" for row in rows):
        return None
    said = recorded(tx)
    if not said.revision:
        return None
    whole = said.from_the_start
    kept = {name: left for name, left in said.rows.items() if left is not None or not whole}
    return {"revision": said.revision, "mac": said.mac, "rows": kept, "whole": whole}


def standings(found: Identities, said: Recorded) -> Mapping[str, Standing]:
    """ARN or access key id → how its row stands."""
    made = {
        name: _standing(digest, name, said) for name, digest in identities.digests(found).items()
    }
    gone = {
        name: Standing.REMOVED
        for name, digest in said.rows.items()
        if digest is not None and name not in made
    }
    return made | gone


def _standing(digest: str, name: str, said: Recorded) -> Standing:
    if name not in said.rows:
        return Standing.ADDED if said.from_the_start else Standing.UNKNOWN
    expected = said.rows[name]
    if expected is None:
        return Standing.ADDED
    return Standing.AS_RECORDED if expected == digest else Standing.ALTERED
