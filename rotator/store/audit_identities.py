"""Whether principals and access keys are as the record of their last change left them."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from rotator.errors import RowAltered
from rotator.store import identities
from rotator.store.database import Database
from rotator.store.tables import audit

RESTATED = "PrincipalsRestated"
"""The event of a record that says what all changes left of which a pruning takes a record."""

EVENTS = (
    "CreatePrincipal",
    "DeletePrincipal",
    "SetPrincipalStatus",
    "SetGroupMembership",
    "PutPrincipalPolicy",
    "DeletePrincipalPolicy",
    "CreateAccessKey",
    "SetAccessKeyStatus",
    "DeleteAccessKey",
    "RepairPrincipals",
    RESTATED,
)
"""Those whose records say what they left."""

_LOOKS = 5
_LEFT = select(audit.c.detail).where(audit.c.event.in_(EVENTS), audit.c.outcome == "succeeded")


def difference(store: Database) -> str | None:
    """What is wrong with them, None where nothing is, or where no record of a change is kept.

    Raises:
        KeyUnavailable: there is no audit key, or it can't be used.
    """
    wrong: str | None = None
    for _ in range(_LOOKS):
        with store.read() as tx:
            tx.memory.identities = None  # the rows, not what was kept of them
            try:
                known = identities.load(tx)
            except RowAltered:
                return (
                    "their rows are not as they were written; which ones: rotate principal review"
                )
            revision, mac = _newest(tx.execute(_LEFT).scalars())
        if revision is None or (revision, mac) == (known.revision, known.mac.hex()):
            return None
        wrong = f"they are those of revision {known.revision}, and the last recorded change left {revision}"
        if revision < known.revision:
            break
        # On PostgreSQL a change may have come between the two looks.
    return wrong


def _newest(details: Any) -> tuple[int | None, str | None]:
    newest: Mapping[str, Any] = {}
    for detail in details:
        left = detail.get("access") if isinstance(detail, dict) else None
        if isinstance(left, dict) and left.get("revision", 0) > newest.get("revision", 0):
            newest = left
    return newest.get("revision"), newest.get("mac")
