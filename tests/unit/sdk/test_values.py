"""A secret's plaintext: compared in constant time, and shown nowhere."""

import copy
import json
import pickle
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotator.sdk import Misconfigured, SecretValue

VALUES = st.builds(SecretValue, string=st.text()) | st.builds(SecretValue, binary=st.binary())
PASSWORD = "correct horse battery"
VALUE = SecretValue.from_json({"username": "app", "password": PASSWORD})


@given(value=VALUES)
def test_a_value_passes_a_pipe_unchanged(value: SecretValue) -> None:
    """Through its wire form and JSON a value comes back equal, as text or as bytes."""
    wire = json.loads(json.dumps(value.to_wire()))

    back = SecretValue.from_wire(wire)

    assert back == value
    assert (back.string, back.binary) == (value.string, value.binary)


@pytest.mark.parametrize("wire", [{}, {"binary": "no base64!"}, {"text": "x"}])
def test_a_wire_form_that_is_none_is_refused(wire: dict[str, str]) -> None:
    """What isn't a value's wire form is refused without being quoted."""
    with pytest.raises(ValueError, match=r"^not a secret value's wire form$"):
        SecretValue.from_wire(wire)


@pytest.mark.parametrize(
    "show",
    [
        repr,
        str,
        "{}".format,
        "%s".__mod__,
        lambda value: f"{value!r:>40}",
        lambda value: repr([value, {"value": value}]),
        lambda value: repr(vars(Holder(value))),
    ],
)
def test_no_way_of_printing_shows_it(show: Callable[[Any], str]) -> None:
    """Neither repr nor str nor a format shows a value, alone or inside of something else."""
    assert PASSWORD not in show(VALUE)
    assert "redacted" in show(VALUE)


class Holder:
    def __init__(self, value: SecretValue) -> None:
        self.value = value


def test_a_traceback_with_locals_does_not_show_it() -> None:
    """A traceback that prints every local shows a value's place, not the value."""

    def fail(value: SecretValue) -> None:
        raise RuntimeError(f"can't use {value}")

    with pytest.raises(RuntimeError) as failed:
        fail(VALUE)

    shown = "".join(
        traceback.TracebackException.from_exception(failed.value, capture_locals=True).format()
    )
    assert PASSWORD not in shown


@pytest.mark.parametrize("write", [pickle.dumps, copy.deepcopy, json.dumps])
def test_it_is_not_serialised_by_accident(write: Callable[[Any], Any]) -> None:
    """Pickle, deepcopy and JSON refuse a value, and the refusal doesn't show it."""
    with pytest.raises(TypeError) as refused:
        write(VALUE)

    assert PASSWORD not in str(refused.value)


def test_it_has_no_hash() -> None:
    """A value can't be a key, where its hash would give it away."""
    with pytest.raises(TypeError):
        hash(VALUE)


@given(left=VALUES, right=VALUES)
def test_equal_is_what_holds_the_same(left: SecretValue, right: SecretValue) -> None:
    """Two values are equal when they hold the same, and text is never equal to bytes."""
    same = (left.string, left.binary) == (right.string, right.binary)

    assert (left == right) is same


def test_text_and_its_bytes_differ() -> None:
    """The text `abc` is another value than the bytes `abc`, and than a plain string."""
    assert SecretValue(string="abc") != SecretValue(binary=b"abc")
    assert SecretValue(string="abc") != "abc"


@pytest.mark.parametrize("arguments", [{}, {"string": "a", "binary": b"a"}])
def test_a_value_is_either_text_or_bytes(arguments: dict[str, Any]) -> None:
    """A value with neither or with both is refused."""
    with pytest.raises(ValueError, match="either a string or bytes"):
        SecretValue(**arguments)


JSON = st.dictionaries(
    st.text(), st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text())
)


@given(fields=JSON)
def test_json_fields_come_back(fields: dict[str, Any]) -> None:
    """The fields that a value was made of are the fields that it has."""
    assert SecretValue.from_json(fields).fields() == fields


@pytest.mark.parametrize(
    "value",
    [
        SecretValue(string=PASSWORD),
        SecretValue(string=f'["{PASSWORD}"]'),
        SecretValue(string=f'{{"password": "{PASSWORD}"'),
        SecretValue(binary=PASSWORD.encode()),
    ],
)
def test_what_is_no_json_object_is_refused_unquoted(value: SecretValue) -> None:
    """Fields of something else are a misconfiguration, whose message and causes don't show the value."""
    with pytest.raises(Misconfigured) as refused:
        value.fields()

    shown = "".join(traceback.format_exception(refused.value))
    assert PASSWORD not in shown
    assert PASSWORD not in repr((refused.value.__cause__, refused.value.__context__))


def test_a_value_nested_too_deeply_is_refused() -> None:
    """JSON deeper than the parser's stack is no value for a rotator, in the words of every other such value."""
    with pytest.raises(Misconfigured, match="is not a JSON object"):
        SecretValue(string='{"a":' + "[" * 60_000).fields()
