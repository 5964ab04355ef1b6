"""LastAccessedDate: the day on which a secret and a version were last read, written once a day at most."""

from collections.abc import Iterable

from sqlalchemy import bindparam, select, update

from rotator.store.notes import Access
from rotator.store.tables import Instant, secrets, versions
from rotator.store.tx import Tx

# What a writer has locked is passed over: the next read of the day notes it, and no reader waits for a writer.
_free_secret = (
    select(secrets.c.id)
    .where(secrets.c.id == bindparam("at_secret"))
    .with_for_update(key_share=True, skip_locked=True)
    .scalar_subquery()
)
_free_version = (
    select(versions.c.version_id)
    .where(
        versions.c.secret_id == bindparam("at_secret"),
        versions.c.version_id == bindparam("at_version"),
    )
    .with_for_update(key_share=True, skip_locked=True)
    .scalar_subquery()
)
_day = bindparam("day", type_=Instant)
_NOTE_SECRET = update(secrets).where(secrets.c.id == _free_secret).values(accessed_on=_day)
_NOTE_VERSION = (
    update(versions)
    .where(versions.c.secret_id == bindparam("at_secret"), versions.c.version_id == _free_version)
    .values(accessed_on=_day)
)


def note(tx: Tx, accesses: Iterable[Access]) -> None:
    """Writes the day of the transaction where it is not noted yet."""
    day = tx.now.replace(hour=0, minute=0, second=0, microsecond=0)
    stale = [one for one in accesses if one.secret_day != day or one.version_day != day]
    for access in dict.fromkeys(stale):
        if access.secret_day != day:
            tx.execute(_NOTE_SECRET, {"at_secret": access.secret_id, "day": day})
        if access.version_day != day:
            owner = access.secret_id if access.owner is None else access.owner
            at = {"at_secret": owner, "at_version": access.version_id, "day": day}
            tx.execute(_NOTE_VERSION, at)
