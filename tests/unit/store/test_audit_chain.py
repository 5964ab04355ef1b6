"""The canonical form of audit records, and what is computed of it."""

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rotator.crypto.audit_key import AuditKey
from rotator.store.audit_chain import (
    Link,
    canonical,
    encoded,
    is_sealed,
    link_mac,
    seal,
    start,
)

KEY = AuditKey(bytes(32))
OTHER_KEY = AuditKey(bytes([1]) * 32)

_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
_instants = st.datetimes(timezones=st.just(UTC), min_value=datetime(1970, 1, 1))  # noqa: DTZ001  # the zone is added
_json = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | _texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_texts, inner, max_size=2),
    max_leaves=4,
)
_values = (
    st.none()
    | st.integers(-3, 3)
    | _texts
    | st.binary(max_size=4)
    | _instants
    | st.lists(_json, max_size=2)
    | st.dictionaries(_texts, _json, max_size=2)
)
_rows = st.dictionaries(_texts, _values, max_size=4)


def _typed(value: Any) -> Any:
    """A form in which True is not 1, and a row's columns without a value are left out."""
    if isinstance(value, dict):
        return ("mapping", frozenset((key, _typed(item)) for key, item in value.items()))
    if isinstance(value, list):
        return ("list", tuple(_typed(item) for item in value))
    return (type(value), value)


def _meaning(row: dict[str, Any]) -> Any:
    return _typed({name: value for name, value in row.items() if value is not None})


@given(_rows, _rows)
def test_no_two_different_rows_have_one_canonical_form(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    """Two rows have the same form exactly where they hold the same, whatever the order of their columns."""
    assert (canonical(one) == canonical(other)) == (_meaning(one) == _meaning(other))


@given(_rows, st.randoms(use_true_random=False))
def test_the_order_of_columns_does_not_matter(row: dict[str, Any], random: Any) -> None:
    """The form is that of the row, not of how it was read."""
    items = list(row.items())
    random.shuffle(items)
    assert canonical(dict(items)) == canonical(row)


@given(_texts, _texts, _texts, _texts)
def test_what_moves_between_columns_changes_the_form(a: str, b: str, c: str, d: str) -> None:
    """Neighbouring texts can't be cut elsewhere."""
    same = (a, b) == (c, d)
    assert (canonical({"x": a, "y": b}) == canonical({"x": c, "y": d})) == same


@given(st.lists(_json, max_size=2) | st.dictionaries(_texts, _json, max_size=2))
def test_what_is_encoded_already_has_the_same_form(value: Any) -> None:
    """It is the text that a JSON column gets, and what is read from there has the form of the record."""
    text = encoded(value)
    assert canonical({"detail": text}) == canonical({"detail": value})
    assert canonical({"detail": text}) == canonical({"detail": json.loads(text)})


def test_a_later_release_may_add_columns() -> None:
    """A column without a value leaves the form as it was."""
    assert canonical({"event": "PutSecretValue", "new": None}) == canonical(
        {"event": "PutSecretValue"}
    )


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32), _rows)
def test_a_code_covers_the_one_before_it(one: bytes, other: bytes, row: dict[str, Any]) -> None:
    """The same row after another record has another code."""
    assert (link_mac(KEY, one, row) == link_mac(KEY, other, row)) == (one == other)


def test_a_code_needs_the_key() -> None:
    """Another key gives another code, another start of a chain and another seal."""
    head = Link(shard=0, seq=1, mac=bytes(32))
    assert link_mac(KEY, bytes(32), {"a": 1}) != link_mac(OTHER_KEY, bytes(32), {"a": 1})
    assert start(KEY, 0) != start(OTHER_KEY, 0)
    assert is_sealed(KEY, head, seal(KEY, head))
    assert not is_sealed(OTHER_KEY, head, seal(KEY, head))


def test_what_looks_alike_as_json_is_told_apart() -> None:
    """Bytes and moments are no lists or numbers that are written like them."""
    alike: list[Any] = [
        b"\x12", 12, "12", ["bytes", "12"],
        datetime(1970, 1, 1, microsecond=12, tzinfo=UTC), ["instant", 12],
    ]  # fmt: skip
    assert len({canonical({"detail": value}) for value in alike}) == len(alike)


def test_a_seal_is_of_one_head_alone() -> None:
    """Another shard, number or code has another seal, and chains begin differently."""
    head = Link(shard=1, seq=11, mac=bytes(32))
    for other in (
        Link(shard=11, seq=1, mac=bytes(32)),
        Link(shard=2, seq=11, mac=bytes(32)),
        Link(shard=1, seq=12, mac=bytes(32)),
        Link(shard=1, seq=11, mac=bytes([1]) * 32),
    ):
        assert not is_sealed(KEY, other, seal(KEY, head))
    assert not is_sealed(KEY, head, None)
    assert start(KEY, 0).mac != start(KEY, 1).mac
