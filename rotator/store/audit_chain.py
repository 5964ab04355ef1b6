"""How audit records are chained: their canonical form and what is computed of it. Pure.

Each record's code covers the code before it and every column of its own row. The head of a shard names its last
record under a seal of its own, so that a chain that was cut has no valid head.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from rotator.crypto.aead import encode
from rotator.crypto.audit_key import AuditKey

SHARDS = range(16)
"""The chains of records. SQLite has one writer and uses the first; PostgreSQL's writers spread over all."""

CHECKPOINTS: Final = -2
"""The chain of checkpoints, which has a head as the shards have."""

UNCHAINED: Final = -1
"""The shard of records that an earlier release left: in no chain, covered by the checkpoints."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_JSON = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)
_PLAIN = (str, int)
quoted = json.encoder.encode_basestring_ascii
"""A text in JSON."""
_START = b"rotator:audit:start:1"
_LINK = b"rotator:audit:link:1"
_SEAL = b"rotator:audit:seal:1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A place in a chain.

    Attributes:
        seq: how many records the chain has up to here; 0 before the first.
        mac: the code of the record here; of the chain's start where `seq` is 0.
    """

    shard: int
    seq: int
    mac: bytes


def start(key: AuditKey, shard: int) -> Link:
    """Before the first record of a shard."""
    return Link(shard=shard, seq=0, mac=key.mac(encode(_START, _number(shard))))


class Encoded(str):
    """A value as the JSON text that its record has, in the store and in what its code covers: it is made once."""

    __slots__ = ()


def encoded(value: Any) -> Encoded:
    """What JSON can hold (mappings and lists), as text: keys sorted, ASCII only, no spaces."""
    try:
        return Encoded(_texts(value))
    except _Otherwise:
        return Encoded(_JSON.encode(value))


class _Otherwise(Exception):  # not an error: the encoder of all the rest has to do it
    """It is not made of texts alone."""


def _texts(value: Any) -> str:
    """The JSON of mappings of texts, which nearly all details are; to set up the encoder costs more than that."""
    kind = type(value)
    if kind is str:
        return quoted(value)
    if kind is not dict:
        raise _Otherwise
    members = []
    for name in sorted(value) if len(value) > 1 else value:
        if type(name) is not str:
            raise _Otherwise
        member = value[name]
        text = quoted(member) if type(member) is str else _texts(member)
        members.append(f"{quoted(name)}:{text}")
    return f"{{{','.join(members)}}}"


def link_mac(key: AuditKey, previous: bytes, columns: Mapping[str, Any]) -> bytes:
    """The code of the record that follows the one with the code `previous`.

    Args:
        columns: every column of its row but the code itself.
    """
    return text_mac(key, previous, canonical(columns))


def text_mac(key: AuditKey, previous: bytes, text: bytes) -> bytes:
    """The same, of the row as `canonical` has it."""
    return key.mac(encode(_LINK, previous, text))


def seal(key: AuditKey, head: Link) -> bytes:
    """The seal of a head."""
    return key.mac(_sealed(head))


def is_sealed(key: AuditKey, head: Link, seal: bytes | None) -> bool:
    """Whether the seal of a head is its own."""
    return key.verifies(_sealed(head), seal)


def _sealed(head: Link) -> bytes:
    return encode(_SEAL, _number(head.shard), _number(head.seq), head.mac)


def canonical(columns: Mapping[str, Any]) -> bytes:
    """A row as bytes that no other row has, in whatever order its columns come.

    A column without a value is left out, so that a later release may add columns.

    Args:
        columns: whole numbers, texts, bytes, aware datetimes, and what JSON can hold (mappings and lists), also as
            `encoded`.
    """
    parts: list[str] = []
    for name, named in _in_order(tuple(columns)):
        value = columns[name]
        if (
            type(value) is str
        ):  # most are, and a call for each of them would cost more than all the rest
            parts += named, quoted(value)
        elif value is not None:
            parts += named, in_json(value)
    return f"[{','.join(parts)}]".encode()


@lru_cache(maxsize=64)
def _in_order(names: tuple[str, ...]) -> Sequence[tuple[str, str]]:
    """The names sorted, each with itself in quotes."""
    return [(name, quoted(name)) for name in sorted(names)]


def in_json(value: Any) -> str:
    """A column's value as `canonical` has it.

    What JSON has no type for, and what it has one for, are lists that can't be taken for each other.
    """
    # Texts and numbers by themselves: to set up an encoder for each record costs more than to write it.
    kind = type(value)
    if kind is str:
        return quoted(value)
    if kind is int:
        return int.__repr__(value)
    if kind is datetime:
        return f'["instant",{(value - _EPOCH) // _MICROSECOND}]'
    if kind is Encoded:
        return f'["json",{value}]'
    if isinstance(value, bytes):
        return f'["bytes","{value.hex()}"]'
    return _JSON.encode(value if isinstance(value, _PLAIN) else ("json", value))


def _number(value: int) -> bytes:
    return b"%d" % value
