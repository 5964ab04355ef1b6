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
_ONE = select(sealing_check.c.wrapped_key).where(sealing_check.c.key_id == bindparam("at_key"))
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
        _lock(tx)
        if not _is_known(tx, provider, active=active, shown=store.url_shown):
            _add(tx, provider, active)


def take_in(tx: Tx, provider: KeyProvider, key_id: str) -> None:
    """Makes a key known to the store before anything is sealed under it.

    Raises:
        KeyUnavailable: the store knows another key under this id, or the key can't be had; nothing was changed.
    """
    _lock(tx)
    known = tx.execute(_ONE, {"at_key": key_id}).scalar_one_or_none()
    if known is None:
        _add(tx, provider, key_id)
    elif not _opens(provider, known, key_id=key_id):
        raise KeyUnavailable(
            f"The sealing key {key_id} is not the one that the store knows under this id; nothing was changed. Use the "
            "key that the store was sealed with."
        )


def require_known(tx: Tx, provider: KeyProvider, *, shown: str) -> None:
    """Nothing, where these keys are the store's, or it has met none yet.

    Raises:
        KeyUnavailable: they are another store's.
    """
    _is_known(tx, provider, active=provider.active_key_id, shown=shown)


def has_sealing_key(store: Database) -> bool:
    """Whether the store is some keyring's already: a new keyring could not open what is in it.

    Raises:
        StoreUnavailable: the store can't be reached.
    """
    with store.read() as tx:
        return tx.execute(_KNOWN).first() is not None


def _lock(tx: Tx) -> None:
    if tx.dialect == "postgresql":
        # Two first keyrings at once would both become the store's. SQLite has one writer.
        tx.execute(_LOCK)


def _add(tx: Tx, provider: KeyProvider, key_id: str) -> None:
    wrapped = provider.wrap(_SENTINEL, key_id=key_id, context=_CONTEXT)
    tx.execute(_ADD, {"key_id": key_id, "wrapped_key": wrapped})


def _is_known(tx: Tx, provider: KeyProvider, *, active: str, shown: str) -> bool:
    known = {row.key_id: row.wrapped_key for row in tx.execute(_KNOWN)}
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
