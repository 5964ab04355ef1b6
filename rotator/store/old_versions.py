"""Old versions that no label is on any more, as rows: which of them go."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import bindparam, delete, exists, func, select

from rotator.store.tables import Instant, labels, versions
from rotator.store.tx import Tx

KEPT_WITHOUT_LABEL = 100
KEPT_AT_LEAST = timedelta(hours=24)
_old = versions.alias("old")
# What is old enough is found first, by its own index: most puts find nothing, and look no further.
_PRUNE = delete(versions).where(
    (versions.c.secret_id == bindparam("at_secret")),
    versions.c.version_id.concat("").in_(
        select(_old.c.version_id)
        .where(
            _old.c.secret_id == bindparam("at_secret"),
            ~exists().where(
                labels.c.secret_id == _old.c.secret_id, labels.c.version_id == _old.c.version_id
            ),
        )
        .order_by(_old.c.created_at.desc())
        .offset(bindparam("kept"))
    ),
    versions.c.created_at <= bindparam("until", type_=Instant),
    ~versions.c.pinned,
)


# Those with labels or pins count too: whether there is one to remove is looked up when it is locked.
_CROWDED = (
    select(versions.c.secret_id)
    .where(
        versions.c.secret_id > bindparam("after"),
        versions.c.secret_id <= bindparam("until"),
    )
    .group_by(versions.c.secret_id)
    .having(
        func.count() > bindparam("kept"),
        func.min(versions.c.created_at) <= bindparam("old", type_=Instant),
    )
)


def prune(tx: Tx, secret_id: int) -> int:
    """Removes the oldest versions without a label where there are more than 100 of them; gives how many.

    A pinned version stays, and so does one that is younger than 24 hours. AWS: "Secrets Manager
    deletes deprecated versions when there are more than 100, but none created less than 24 hours ago".
    """
    until = tx.now - KEPT_AT_LEAST
    pruned = tx.execute(
        _PRUNE, {"at_secret": secret_id, "until": until, "kept": KEPT_WITHOUT_LABEL}
    )
    return pruned.rowcount


def crowded(tx: Tx, *, after: int, until: int) -> Sequence[int]:
    """Row ids of the secrets in a range that may have versions to prune.

    Args:
        after: the row id before the range.
        until: the last one in it.
    """
    at = {"after": after, "until": until, "old": tx.now - KEPT_AT_LEAST, "kept": KEPT_WITHOUT_LABEL}
    return [row.secret_id for row in tx.execute(_CROWDED, at)]
