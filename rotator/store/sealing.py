"""Is this keyring the store's own? A known text, wrapped under the store's keys, tells."""

from sqlalchemy import bindparam, insert, select, text

from rotator.crypto.envelope import Sealer
from rotator.errors import DecryptionFailure, KeyUnavailable
from rotator.sdk import KeyProvider
from rotator.store.database import Database
from rotator.store.tables import sealing_check
from rotator.store.tx import Tx

_SENTINEL = b"rotator: the sealing key is mine"  # as long as a data key
_CONTEXT = b"rotator:sealing-check:1"
_KNOWN = select(sealing_check.c.key_id, sealing_check.c.wrapped_key)
_ADD = insert(sealing_check).values(
    key_id=bindparam("key_id"), wrapped_key=bindparam("wrapped_key")
)
_LOCK = text("LOCK TABLE sealing_check IN SHARE ROW EXCLUSIVE MODE")


def verify_sealing_key(store: Database, sealer: Sealer) -> None:
    """Makes sure that what is sealed from now on can be opened with this store's keyring.

    The first keyring that a store meets becomes its own. A key that was made active later is
    taken in where the keyring also holds a key that the store has used before.

    Raises:
        KeyUnavailable: the keys can't be had, or are another store's; nothing was changed.
        StoreUnavailable: the store can't be reached.
    """
    provider = sealer.provider
    active = provider.active_key_id
    with store.read() as tx:
        if _is_known(tx, provider, active=active, shown=store.url_shown):
            return
    with store.write() as tx:
        if tx.dialect == "postgresql":
            # Two first keyrings at once would both become the store's. SQLite has one writer.
            tx.connection.execute(_LOCK)
        if not _is_known(tx, provider, active=active, shown=store.url_shown):
            wrapped = provider.wrap(_SENTINEL, key_id=active, context=_CONTEXT)
            tx.connection.execute(_ADD, {"key_id": active, "wrapped_key": wrapped})


def has_sealing_key(store: Database) -> bool:
    """Whether the store is some keyring's already: a new keyring could not open what is in it.

    Raises:
        StoreUnavailable: the store can't be reached.
    """
    with store.read() as tx:
        return tx.connection.execute(_KNOWN).first() is not None


def _is_known(tx: Tx, provider: KeyProvider, *, active: str, shown: str) -> bool:
    known = {row.key_id: row.wrapped_key for row in tx.connection.execute(_KNOWN)}
    candidates = {active} & known.keys() or known.keys()
    if known and not any(_opens(provider, known[key_id], key_id=key_id) for key_id in candidates):
        raise KeyUnavailable(
            f"The sealing keys are not those that the store {shown} was sealed with; nothing was "
            "changed. Name the right keyring in the settings, or restore it from its backup."
        )
    return active in known


def _opens(provider: KeyProvider, wrapped: bytes, *, key_id: str) -> bool:
    try:
        return provider.unwrap(wrapped, key_id=key_id, context=_CONTEXT) == _SENTINEL
    except (DecryptionFailure, KeyUnavailable):
        return False
