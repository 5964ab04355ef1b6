"""Is this keyring the store's own? A known text, wrapped under the store's keys, tells."""

from collections.abc import Mapping

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
    while True:
        with store.read() as tx:
            known = _known(tx)
        _require_own(provider, known, active=active, shown=store.url_shown)
        if active in known:
            return
        wrapped = _wrapped(provider, active)
        with store.write() as tx:
            _lock(tx)
            if _known(tx) == known:
                tx.execute(_ADD, {"key_id": active, "wrapped_key": wrapped})
                return


def take_in_by_itself(store: Database, provider: KeyProvider, key_id: str) -> None:
    """As `take_in`, in a transaction of its own, within which the provider is not asked: it may be a network away.

    Raises:
        KeyUnavailable: as `take_in` does.
        StoreUnavailable: the store can't be reached.
    """
    while True:
        with store.read() as tx:
            known = _known(tx).get(key_id)
        if known is not None:
            _require_same(provider, known, key_id=key_id)
            return
        wrapped = _wrapped(provider, key_id)
        with store.write() as tx:
            _lock(tx)
            if key_id not in _known(tx):
                tx.execute(_ADD, {"key_id": key_id, "wrapped_key": wrapped})
                return


def take_in(tx: Tx, provider: KeyProvider, key_id: str) -> None:
    """Makes a key known to the store before anything is sealed under it.

    Raises:
        KeyUnavailable: the store knows another key under this id, or the key can't be had; nothing was changed.
    """
    _lock(tx)
    known = _known(tx).get(key_id)
    if known is None:
        tx.execute(_ADD, {"key_id": key_id, "wrapped_key": _wrapped(provider, key_id)})
    else:
        _require_same(provider, known, key_id=key_id)


def require_known(tx: Tx, provider: KeyProvider, *, shown: str) -> None:
    """Nothing, where these keys are the store's, or it has met none yet.

    Raises:
        KeyUnavailable: they are another store's.
    """
    _require_own(provider, _known(tx), active=provider.active_key_id, shown=shown)


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


def _known(tx: Tx) -> Mapping[str, bytes]:
    """The known text under each key that the store has met."""
    return {row.key_id: row.wrapped_key for row in tx.execute(_KNOWN)}


def _wrapped(provider: KeyProvider, key_id: str) -> bytes:
    return provider.wrap(_SENTINEL, key_id=key_id, context=_CONTEXT)


def _require_own(
    provider: KeyProvider, known: Mapping[str, bytes], *, active: str, shown: str
) -> None:
    candidates = {active} & known.keys() or known.keys()
    if known and not any(_opens(provider, known[key_id], key_id=key_id) for key_id in candidates):
        if active in known:
            provider.resolve(active)  # one that is disabled is no other store's
        raise KeyUnavailable(
            f"The sealing keys are not those that the store {shown} was sealed with; nothing was "
            "changed. Name the right keyring in the settings, or restore it from its backup."
        )


def _require_same(provider: KeyProvider, known: bytes, *, key_id: str) -> None:
    if not _opens(provider, known, key_id=key_id):
        raise KeyUnavailable(
            f"The sealing key {key_id} is not the one that the store knows under this id; nothing was changed. Use the "
            "key that the store was sealed with."
        )


def _opens(provider: KeyProvider, wrapped: bytes, *, key_id: str) -> bool:
    try:
        return provider.unwrap(wrapped, key_id=key_id, context=_CONTEXT) == _SENTINEL
    except (DecryptionFailure, KeyUnavailable):
        return False
