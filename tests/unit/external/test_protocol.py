"""What programs and endpoints may answer."""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotator.sdk import Level, Overlap, SecretValue, StepError, TargetRefused, Use
from rotators.external import protocol
from rotators.external.protocol import ExternalBug

_KEYS = st.sampled_from(
    (
        *("overlap", "findings", "level", "message", "remedy", "changes", "value", "string"),
        *("binary", "proof", "uses", "user", "client", "detail", "error", "hint"),
    )
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(_KEYS, inner),
    max_leaves=8,
)


@given(content=st.binary() | _JSON.map(lambda found: json.dumps(found).encode()))
def test_no_answer_breaks_the_parser(content: bytes) -> None:
    """Whatever comes, it is an answer, one of the SDK's errors, or the other side's bug."""
    readers: tuple[Callable[[Any], object], ...] = (
        protocol.preflight_in,
        protocol.value_in,
        protocol.proof_in,
        protocol.uses_in,
    )
    try:
        found = protocol.answer("probe", content)
    except (StepError, ExternalBug):
        return
    for reader in readers:
        with suppress(ExternalBug):
            reader(found)


def test_answers_are_read() -> None:
    """Each verb's answer becomes what the SDK has for it."""
    found = protocol.preflight_in(
        {
            "overlap": "dual",
            "findings": [{"level": "warning", "message": "two\nlines"}],
            "changes": ["ALTER"],
        }
    )
    assert (found.overlap, found.changes) == (Overlap.DUAL, ("ALTER",))
    (finding,) = found.findings
    assert (finding.level, finding.message, finding.remedy) == (Level.WARNING, "two lines", None)
    assert protocol.value_in({"value": {"binary": "AAE="}}) == SecretValue(binary=b"\0\1")
    uses = protocol.uses_in({"uses": [{"user": "app", "client": "10.0.0.7"}]})
    assert uses == (Use(user="app", client="10.0.0.7"),)


def test_an_error_is_raised_with_its_class_and_a_bounded_message() -> None:
    """The class decides what the engine does; a message as long as a book is cut."""
    told = {"error": "TargetRefused", "message": "x" * 10_000, "hint": None}
    with pytest.raises(TargetRefused) as raised:
        protocol.answer("set_secret", json.dumps(told).encode())
    assert len(raised.value.message) < 2100
    assert raised.value.hint is None
