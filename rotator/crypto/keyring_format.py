"""How a keyring is written: as JSON, of format 2; that of the first release, format 1, is read too.

Format 1 is `{"active": ID, "keys": {ID: KEY, …}}`, each key 256 random bits in base64. Format 2 says of each key also
when it was made and whether it may be used, and has aliases.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from rotator.crypto import aead
from rotator.crypto.sealing_keys import Keyring, KeyState, SealingKey
from rotator.errors import KeyUnavailable

_FORMAT = 2


class MalformedKeyring(Exception):
    """The text is no keyring. Without its cause, which would quote keys."""


def encode(keyring: Keyring) -> bytes:
    """The keyring as text, of the newest format."""
    content = {
        "format": _FORMAT,
        "active": keyring.active,
        "keys": {key_id: _encoded(key) for key_id, key in keyring.keys.items()},
        "aliases": dict(keyring.aliases),
    }
    return json.dumps(content, indent=2).encode() + b"\n"


def decode(content: bytes) -> Keyring:
    """The keyring in a text of either format. Its active key may be disabled: an export may be of such keys alone.

    Raises:
        MalformedKeyring: it is none.
        KeyUnavailable: it is of a later format.
    """
    try:
        parsed = json.loads(content)
        later = parsed.get("format", 1) not in {1, _FORMAT}
        keyring = None if later else _keyring(parsed)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise MalformedKeyring from None
    if keyring is None:
        raise KeyUnavailable(
            "The keyring was written by a later release of rotator. Nothing was changed. Install that release: "
            "pip install --upgrade rotator-engine"
        )
    return keyring


def decode_material(text: Any) -> bytes:
    """The bytes of a key in base64.

    Raises:
        ValueError: it is no base64, or not 256 bits.
        TypeError: it is no text.
    """
    try:
        material = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError from None
    if len(material) != aead.KEY_BYTES:
        raise ValueError
    return material


def _encoded(key: SealingKey) -> dict[str, str | None]:
    return {
        "key": base64.b64encode(key.material).decode("ascii"),
        "created": None if key.created_at is None else key.created_at.isoformat(),
        "state": key.state,
    }


def _keyring(parsed: Mapping[str, Any]) -> Keyring:
    decoded = _decoded if parsed.get("format", 1) == _FORMAT else _decoded_first
    keys = {key_id: decoded(key_id, entry) for key_id, entry in parsed["keys"].items()}
    keyring = Keyring(active=parsed["active"], keys=keys, aliases=dict(parsed.get("aliases", {})))
    if not {keyring.active, *keyring.aliases.values()} <= keys.keys():
        raise ValueError
    return keyring


def _decoded(key_id: str, entry: Mapping[str, Any]) -> SealingKey:
    return SealingKey(
        key_id=key_id,
        material=decode_material(entry["key"]),
        created_at=None if entry["created"] is None else _moment(entry["created"]),
        state=KeyState(entry["state"]),
    )


def _decoded_first(key_id: str, entry: Any) -> SealingKey:
    return SealingKey(key_id=key_id, material=decode_material(entry), created_at=None)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
