"""Secrets as lines of JSON: what is written is read again, and what is malformed is never quoted."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotator.cli.transfer.json_lines import decode, encode
from rotator.errors import InvalidParameter
from rotator.manager.portable import PortableSecret, PortableVersion
from rotator.sdk import SecretValue

PLANTED = "hunter2"

_texts = st.text(st.characters(codec="utf-8"), max_size=30)
_values = st.one_of(
    st.builds(lambda text: SecretValue(string=text), _texts),
    st.builds(lambda data: SecretValue(binary=data), st.binary(max_size=30)),
)
_versions = st.builds(
    PortableVersion,
    value=_values,
    version_id=_texts,
    stages=st.lists(_texts, max_size=3).map(tuple),
)
_secrets = st.builds(
    PortableSecret,
    name=_texts,
    description=st.none() | _texts,
    kms_key_id=st.none() | _texts,
    tags=st.dictionaries(_texts, _texts, max_size=3),
    versions=st.lists(_versions, max_size=3).map(tuple),
)


@given(secret=_secrets)
def test_what_is_written_is_read_again(secret: PortableSecret) -> None:
    """Every secret is one line, and comes back the same."""
    line = encode(secret)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert decode(line) == secret


def line(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


def test_the_plain_form() -> None:
    """A name and a value are enough; bytes come in base64, and an object is kept as its JSON text."""
    plain = decode(line(name="a", value="v"))
    assert (plain.description, plain.kms_key_id, plain.tags) == (None, None, {})
    assert plain.current == SecretValue(string="v")
    assert plain.versions[0].version_id is None
    assert decode(line(name="a", binary=base64.b64encode(b"\0\1").decode())).current == SecretValue(
        binary=b"\0\1"
    )
    nested = decode(line(name="a", value={"user": "u", "n": 1})).current
    assert nested is not None
    assert nested.fields() == {"user": "u", "n": 1}
    assert decode(line(name="a")).versions == ()
    assert decode(b"\xef\xbb\xbf" + line(name="a")).name == "a"


@pytest.mark.parametrize(
    ("malformed", "what"),
    [
        (PLANTED.encode(), "not JSON"),
        (b'{"name": "a", "value": "hunter2"', "not JSON"),
        (b'{"name": "a", "value": "hunter2\\q"}', "not JSON"),
        (b'{"name": "a", "value": "hunter2\n"}', "not JSON"),
        (b'"hunter2"', "not a JSON object"),
        (b'{"name": "a", "value": "hunter2 \xff"}', "not UTF-8"),
        (b'{"name": "a", "value": "x", "value": "hunter2"}', "same field twice"),
        (b'{"name": "a", "value": {"x": "hunter2", "x": 1}}', "same field twice"),
        (line(name="a", hunter2="x"), "unknown field"),
        (line(name="a", value=["hunter2"]), "value is not a text or an object"),
        (line(name="a", binary="hunter2!"), "binary is not base64"),
        (line(name="a", binary="hünter2"), "binary is not base64"),
        (line(name="a", value="hunter2", binary="aHVudGVyMg=="), "either a value or a binary"),
        (line(name="a", value="hunter2", versions=[]), "both a value and versions"),
        (line(name="a", version_id="hunter2"), "a version_id but no value"),
        (line(name={"a": "hunter2"}), "name is not a text"),
        (line(name="a", tags=["hunter2"]), "tags is not an object of texts"),
        (line(name="a", tags={"k": {"hunter2": 1}}), "tags is not an object of texts"),
        (line(name="a", versions="hunter2"), "versions is not a list"),
        (line(name="a", versions=["hunter2"]), "versions is not a list of objects"),
        (line(name="a", versions=[{"labels": ["x"]}]), "either a value or a binary"),
        (line(name="a", versions=[{"value": "v", "labels": "hunter2"}]), "labels is not a list"),
        (line(name="a", versions=[{"value": "v", "labels": [["hunter2"]]}]), "labels is not a"),
        (line(name="a", versions=[{"value": "v", "hunter2": 1}]), "unknown field"),
        (b'{"name": "a", "value": ' + b"[" * 100_000, "not JSON"),
        (b'{"name": "a", "value": ' + b"1" * 5_000 + b"}", "not JSON"),
    ],
)
def test_a_malformed_line_is_never_quoted(malformed: bytes, what: str) -> None:
    """The message says what is wrong; any part of such a line may be a value."""
    with pytest.raises(InvalidParameter, match=what) as caught:
        decode(malformed)
    assert PLANTED not in str(caught.value)
    assert caught.value.__cause__ is None
