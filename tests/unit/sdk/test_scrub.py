"""Messages after they were scrubbed: no secret string is left, and the rest can still be read."""

import base64
import html
import json
import re
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotator.sdk import SecretValue
from rotator.sdk.scrub import scrub

SECRETS = st.text(st.characters(codec="utf-8"), min_size=4, max_size=40)
QUOTED: dict[str, Callable[[str], str]] = {
    "plain": str,
    "JSON": json.dumps,
    "JSON with unicode": lambda secret: json.dumps(secret, ensure_ascii=False),
    "repr": repr,
    "ascii": ascii,
    "bytes": lambda secret: repr(secret.encode()),
    "URL": lambda secret: f"postgresql://app:{quote(secret, safe='')}@db",
    "path": quote,
    "form": quote_plus,
    "SQL literal": lambda secret: f"'{secret.replace(chr(39), chr(39) * 2)}'",
    "SQL identifier": lambda secret: f'"{secret.replace(chr(34), chr(34) * 2)}"',
    "HTML": html.escape,
    "JSON in JSON": lambda secret: json.dumps(json.dumps({"p": secret})),
    "URL in a URL": lambda secret: quote(quote(secret, safe=""), safe=""),
    "JSON of a URL": lambda secret: json.dumps(f"x://u:{quote(secret, safe='')}@h"),
    "lower-case URL": lambda secret: re.sub("%..", lambda m: m[0].lower(), quote(secret, safe="")),
    "conninfo": lambda s: "'" + s.replace("\\", "\\\\").replace("'", "\\'") + "'",
}


@given(
    passwords=st.lists(SECRETS, min_size=1, max_size=3),
    parts=st.lists(st.text(max_size=10), min_size=4, max_size=4),
    way=st.sampled_from(sorted(QUOTED)),
)
def test_no_password_survives(passwords: list[str], parts: list[str], way: str) -> None:
    """However a driver quotes the passwords and whatever stands around them, none is in the message afterwards."""
    values = [SecretValue.from_json({"username": "app", "password": p}) for p in passwords]
    written = [QUOTED[way](password) for password in passwords]
    message = "".join(a + b for a, b in zip(parts, [*written, "", "", ""], strict=False))

    scrubbed = scrub(message, values)

    for password in passwords:
        assert password not in scrubbed


ENCODED: dict[str, Callable[[bytes], str]] = {
    "base64": lambda raw: base64.b64encode(raw).decode(),
    "base64 for URLs": lambda raw: base64.urlsafe_b64encode(raw).decode(),
    "base64 without padding": lambda raw: base64.urlsafe_b64encode(raw).decode().rstrip("="),
    "base64 in a URL": lambda raw: quote(base64.b64encode(raw).decode(), safe="/+"),
    "hexadecimal": bytes.hex,
    "upper-case hexadecimal": lambda raw: raw.hex().upper(),
}


@given(
    password=st.text(st.characters(codec="utf-8"), min_size=6, max_size=40),
    user=st.text(max_size=5),
    way=st.sampled_from(sorted(ENCODED)),
)
def test_no_encoding_hides_a_password(password: str, user: str, way: str) -> None:
    """In base64 and in hexadecimal digits it is found, alone and beside a user name, as HTTP sends it."""
    value = SecretValue.from_json({"password": password})
    encoded = ENCODED[way](f"{user}:{password}".encode())

    scrubbed = scrub(f"Authorization: Basic {encoded}, refused", [value])

    assert ENCODED[way](password.encode())[2:-4] not in scrubbed
    assert scrubbed.endswith(", refused")


def test_a_part_of_a_long_secret_is_found() -> None:
    """A line of a private key is no less secret than the whole, and its boundary is none."""
    key = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VuBCIEIHAt\n-----END PRIVATE KEY-----\n"
    message = "can't read '-----BEGIN PRIVATE KEY-----\\nMC4CAQAwBQYDK2VuBCIEIHAt [truncated]"

    scrubbed = scrub(message, [SecretValue.from_json({"private_key": key})])

    assert scrubbed == "can't read '-----BEGIN PRIVATE KEY-----\\n*** [truncated]"


@pytest.mark.parametrize("way", sorted(QUOTED))
def test_every_quoting_leaves_no_trace(way: str) -> None:
    """A password with every awkward character is replaced as a whole in each way of quoting."""
    password = "pä%'\"\\s/ w+\n@ord:\u2028€"
    quoted = QUOTED[way](password)
    frame = QUOTED[way]("stars").replace("stars", "***")

    assert scrub(quoted, [SecretValue.from_json({"password": password})]) == frame


def test_what_is_no_secret_can_still_be_read() -> None:
    """Host, port, user, database and engine stay in the message."""
    value = SecretValue.from_json(
        {
            "engine": "postgres",
            "host": "db.example.com",
            "port": 5432,
            "username": "app_user",
            "password": "hunter2hunter2",
            "dbname": "orders",
        }
    )
    message = "postgres at db.example.com:5432 refused app_user on orders (password hunter2hunter2)"

    assert scrub(message, [value]) == message.replace("hunter2hunter2", "***")


def test_nested_and_numeric_secrets_are_found() -> None:
    """Secrets inside lists and objects, and numbers, are replaced like strings at the top."""
    value = SecretValue.from_json({"keys": [{"id": "key-number-1"}], "pin": 482913, "on": True})

    assert scrub("key-number-1 with 482913 is True", [value]) == "*** with *** is True"


def test_a_text_that_is_no_json_is_a_secret_as_a_whole() -> None:
    """A generic value is replaced as it is."""
    assert scrub("got sesame!", [SecretValue(string="sesame!")]) == "got ***"


@pytest.mark.parametrize("shown", ["AP9+fw==", "00ff7e7f", r"b'\x00\xff~\x7f'"])
def test_bytes_are_found_as_text(shown: str) -> None:
    """A binary value is replaced where it stands as base64, as hexadecimal digits or as a repr."""
    scrubbed = scrub(f"bad key {shown}", [SecretValue(binary=b"\x00\xff~\x7f")])

    assert shown.strip("b'") not in scrubbed


def test_short_secrets_are_replaced_between_words_only() -> None:
    """A password of three letters goes where it stands alone, and ordinary words stay whole."""
    value = SecretValue.from_json({"password": "the"})

    assert scrub("other: password 'the' refused", [value]) == "other: password '***' refused"


def test_a_whole_value_is_replaced() -> None:
    """A message that quotes the secret's JSON keeps nothing of it."""
    value = SecretValue.from_json({"username": "app", "password": "correct horse"})
    assert value.string is not None

    assert scrub(f"can't parse {value.string}", [value]) == "can't parse ***"


@pytest.mark.parametrize("depth", [10, 900, 980, 1000, 5000, 15_000])
@pytest.mark.parametrize("closed", [True, False])
def test_a_password_is_found_however_deep_it_is(depth: int, closed: bool) -> None:
    """A value nested deeper than a parser's stack is no way to get a secret into a message, nor to break the scrub."""
    deep = '{"a":' * depth + '"pass\\u0077ord"' + ("}" * depth if closed else "")

    assert scrub("no password here", [SecretValue(string=deep)]) == "no *** here"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(
    value=st.builds(SecretValue, string=st.text() | JSON.map(json.dumps))
    | st.builds(SecretValue, binary=st.binary()),
    message=st.text(),
)
def test_no_value_breaks_the_scrub(value: SecretValue, message: str) -> None:
    """A message comes out, whatever the value is: an error must not be hidden by another one."""
    assert isinstance(scrub(message, [value]), str)


@pytest.mark.parametrize(
    "password", ["\\" * 20 + "x", "'" * 20 + "x", "%25" * 9 + "x", "&amp;" * 9 + "x"]
)
@pytest.mark.parametrize("part", ["\\", "'", "%25", "&amp;", "a"])
def test_no_message_makes_the_scrub_slow(password: str, part: str) -> None:
    """A message of many characters that almost match ends as soon as any other; else this test would not end."""
    message = part * (60_000 // len(part))

    assert scrub(message, [SecretValue.from_json({"password": password})]) == message
