"""What is told of sealing keys."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from rotator.crypto.keyring_provider import HeldKeys, KeyringProvider
from rotator.crypto.sealing_keys import Keyring
from rotator.errors import KeyUnavailable
from rotator.sdk import KeyProvider
from rotator.store import access_key_rows, rewrap
from rotator.store.store import Tx


class KeyStanding(StrEnum):
    """What can be done with a key."""

    ENABLED = "enabled"
    DISABLED = "disabled"
    MISSING = "missing"  # something is sealed under it, and nobody has it


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyDescription:
    """All about a sealing key but the key itself.

    Attributes:
        created_at: None where nobody noted it.
        versions: how many are sealed under it.
        access_keys: whose secrets are sealed under it.
    """

    key_id: str
    state: KeyStanding
    active: bool
    aliases: tuple[str, ...]
    created_at: datetime | None
    versions: int
    access_keys: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySecrets:
    """What a key seals, and some of the secrets that have a version under it.

    Attributes:
        total: how many secrets there are.
        names: of these.
        asked_as: name that secrets ask for the key by → how many do; none of them asks for the default key.
        replicas_as: the same of replicas, which can be read while the key can be used.
        access_keys: whose secrets are sealed under it, so that they sign nothing without it.
        next_cursor: None on the last page.
    """

    key_id: str
    total: int
    names: tuple[str, ...]
    asked_as: Mapping[str, int]
    replicas_as: Mapping[str, int]
    access_keys: int
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedKeys:
    """What an import brought.

    Attributes:
        keys: those that were not here.
        aliases: alias → key id, of those that were not here.
    """

    keys: tuple[KeyDescription, ...]
    aliases: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Uses:
    """What is sealed under which key: key id → versions, and key id → access keys."""

    versions: Mapping[str, int]
    access_keys: Mapping[str, int]


def uses(tx: Tx) -> Uses:
    """What is sealed under each of the keys."""
    versions = {key_id: rewrap.count_under(tx, key_id) for key_id in rewrap.keys_used(tx)}
    return Uses(versions=versions, access_keys=access_key_rows.counts_under(tx))


def descriptions(provider: KeyProvider, used: Uses) -> tuple[KeyDescription, ...]:
    """The active key, the others that there are, and those that are missing."""
    active = provider.active_key_id
    keyring = provider.keyring if isinstance(provider, KeyringProvider) else None
    held = {} if keyring is None else keyring.keys

    def describe(key_id: str) -> KeyDescription:
        key = held.get(key_id)
        return KeyDescription(
            key_id=key_id,
            state=_standing(provider, key_id) if key is None else KeyStanding(key.state),
            active=key_id == active,
            aliases=() if keyring is None else keyring.aliases_of(key_id),
            created_at=None if key is None else key.created_at,
            versions=used.versions.get(key_id, 0),
            access_keys=used.access_keys.get(key_id, 0),
        )

    ids = dict.fromkeys((active, *held, *used.versions, *sorted(used.access_keys)))
    return tuple(map(describe, ids))


def described(tx: Tx, keyring: Keyring, key_id: str) -> KeyDescription:
    """One of the keys of a keyring."""
    used = Uses(
        versions={key_id: rewrap.count_under(tx, key_id)},
        access_keys=access_key_rows.counts_under(tx),
    )
    described = {key.key_id: key for key in descriptions(HeldKeys(keyring), used)}
    return described[key_id]


def _standing(provider: KeyProvider, key_id: str) -> KeyStanding:
    try:
        provider.resolve(key_id)
    except KeyUnavailable:
        return KeyStanding.MISSING
    return KeyStanding.ENABLED


def id_of(provider: KeyProvider, name: str) -> str:
    """The key id that a name stands for; the name itself where it stands for none."""
    if isinstance(provider, KeyringProvider):
        return provider.keyring.id_of(name) or name
    with suppress(KeyUnavailable):
        return provider.resolve(name)
    return name
