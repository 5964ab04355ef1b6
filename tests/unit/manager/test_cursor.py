"""Cursors: what was given out comes back, and nothing else is one."""

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotator.crypto.audit_key import AuditKey
from rotator.errors import InvalidNextToken
from rotator.manager.cursor import LASTS, Cursors

KEY = AuditKey(bytes(32))
LIST = ("ListSecrets", "123456789012")
PARTS = st.lists(
    st.none()
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.datetimes(datetime(1970, 1, 1), datetime(2999, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    max_size=4,
)


def cursors(*, key: AuditKey = KEY, now: float = 0.0) -> Cursors:
    return Cursors(lambda: key, now=lambda: now)


@given(parts=PARTS)
def test_a_place_comes_back_as_it_was(parts: list[datetime | int | str | None]) -> None:
    """Whatever names it, in any process that has the key."""
    assert cursors().decode(cursors().encode(parts, of=LIST), of=LIST) == tuple(parts)


@given(data=st.data())
def test_who_alters_a_cursor_has_none(data: st.DataObject) -> None:
    """One byte that is another one is enough."""
    raw = bytearray(base64.urlsafe_b64decode(cursors().encode(["db/app", 7], of=LIST)))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(InvalidNextToken):
        cursors().decode(base64.urlsafe_b64encode(raw).decode(), of=LIST)


@given(text=st.text(max_size=80))
def test_any_text_is_no_cursor(text: str) -> None:
    """It is refused, and nothing else happens."""
    with pytest.raises(InvalidNextToken):
        cursors().decode(text, of=LIST)


def test_a_cursor_is_good_for_its_own_list_and_key_and_for_a_day() -> None:
    """Another list, another store's key and a later day refuse it."""
    made = cursors().encode([7], of=LIST)
    assert cursors(now=LASTS).decode(made, of=LIST) == (7,)
    with pytest.raises(InvalidNextToken):
        cursors().decode(made, of=("ListSecrets", "999999999999"))
    with pytest.raises(InvalidNextToken):
        cursors(key=AuditKey(bytes(31) + b"1")).decode(made, of=LIST)
    with pytest.raises(InvalidNextToken, match="expired"):
        cursors(now=LASTS + 1).decode(made, of=LIST)
