"""What becomes of sealing keys: their names, states and aliases."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from rotator.crypto.keyring_provider import HeldKeys
from rotator.crypto.sealing_keys import Keyring, KeyState, SealingKey
from rotator.errors import (
    InvalidParameter,
    InvalidRequest,
    KeyUnavailable,
    ResourceExists,
    ResourceNotFound,
    RotatorError,
)
from rotator.sdk import key_in

_ARN = "arn:aws:kms:eu-central-1:123456789012:"


def key(key_id: str, fill: int = 0) -> SealingKey:
    return SealingKey(
        key_id=key_id, material=bytes([fill]) * 32, created_at=datetime(2026, 1, 1, tzinfo=UTC)
    )


RING = Keyring(
    active="one",
    keys={
        "one": key("one"),
        "two": key("two", 2),
        "off": replace(key("off"), state=KeyState.DISABLED),
    },
    aliases={"alias/payments": "two", "alias/closed": "off"},
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (None, None),
        ("", None),
        ("alias/aws/secretsmanager", None),
        (f"{_ARN}alias/aws/secretsmanager", None),
        ("arn:aws-cn:kms:cn-north-1:123456789012:key/two", "two"),
        (f"{_ARN}alias/payments", "alias/payments"),
        ("two", "two"),
        ("arn:aws:s3:::bucket", "arn:aws:s3:::bucket"),
        (f"{_ARN}key/a:b", "a:b"),
    ],
)
def test_a_name_is_taken_apart(name: str | None, expected: str | None) -> None:
    """Of an ARN the key's own part counts; the default key has several names."""
    assert key_in(name) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (None, "one"),
        ("alias/aws/secretsmanager", "one"),
        ("two", "two"),
        ("alias/payments", "two"),
        (f"{_ARN}key/two", "two"),
        (f"{_ARN}alias/payments", "two"),
    ],
)
def test_a_key_is_found_by_id_alias_or_arn(name: str | None, expected: str) -> None:
    """Each of its names gives the same key; none gives the active one."""
    assert HeldKeys(RING).resolve(name) == expected


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("three", "no sealing key three"),
        ("alias/three", "rotate key alias alias/three KEY"),
        ("off", "rotate key enable off"),
        ("alias/closed", "the sealing key off is disabled"),
    ],
)
def test_a_name_of_no_usable_key_is_refused(name: str, told: str) -> None:
    """An unknown name and a disabled key are refused, with what to do."""
    with pytest.raises(KeyUnavailable, match=told):
        HeldKeys(RING).resolve(name)


def test_a_disabled_key_neither_wraps_nor_unwraps() -> None:
    """What it wrapped is closed until it is enabled again."""
    wrapped = HeldKeys(RING).wrap(bytes(32), key_id="two", context=b"here")
    closed = RING.with_state("two", KeyState.DISABLED)
    with pytest.raises(KeyUnavailable, match="disabled"):
        HeldKeys(closed).unwrap(wrapped, key_id="two", context=b"here")
    with pytest.raises(KeyUnavailable, match="disabled"):
        HeldKeys(closed).wrap(bytes(32), key_id="two", context=b"here")
    opened = closed.with_state("alias/payments", KeyState.ENABLED)
    assert HeldKeys(opened).unwrap(wrapped, key_id="two", context=b"here") == bytes(32)


def test_rotating_makes_a_new_key_active_and_keeps_the_old() -> None:
    """The default key is another one from then on; aliases stay where they are."""
    after = RING.rotated(key("new"))
    assert (after.active, after.aliases) == ("new", RING.aliases)
    assert after.keys.keys() == {*RING.keys, "new"}


def test_rotating_an_alias_leaves_the_active_key() -> None:
    """Only what the alias names changes, also where it is given as an ARN."""
    after = RING.rotated(key("new"), alias=f"{_ARN}alias/payments")
    assert (after.active, after.aliases["alias/payments"]) == ("one", "new")


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda: RING.with_state("one", KeyState.DISABLED), InvalidRequest),
        (lambda: RING.with_state("three", KeyState.DISABLED), ResourceNotFound),
        (lambda: RING.with_alias("payments", "two"), InvalidParameter),
        (lambda: RING.with_alias("alias/aws/mine", "two"), InvalidParameter),
        (lambda: RING.with_alias("alias/a b", "two"), InvalidParameter),
        (lambda: RING.with_alias("alias/" + "x" * 251, "two"), InvalidParameter),
        (lambda: RING.with_alias("alias/new", "three"), ResourceNotFound),
        (lambda: RING.with_alias("alias/new", "off"), InvalidRequest),
        (lambda: RING.without_alias("alias/none"), ResourceNotFound),
        (lambda: RING.with_key(key("new"), alias="alias/payments"), ResourceExists),
        (lambda: RING.rotated(key("new"), alias="alias/none"), ResourceNotFound),
        (lambda: RING.rotated(key("new"), alias="two"), ResourceNotFound),
        (lambda: RING.only(["three"]), ResourceNotFound),
    ],
)
def test_what_would_close_the_store_or_can_t_be_named_is_refused(
    change: Callable[[], Keyring], error: type[RotatorError]
) -> None:
    """The active key stays enabled, aliases are well formed and name usable keys."""
    with pytest.raises(error):
        change()


def test_a_part_of_the_keys_has_their_aliases_and_an_active_one() -> None:
    """What is exported stands for itself: the active key where it is among them, else an enabled one."""
    part = RING.only(["alias/payments"])
    assert (part.active, set(part.keys)) == ("two", {"two"})
    assert part.aliases == {"alias/payments": "two"}
    assert RING.only(["two", "one"]).active == "one"
    assert RING.only(["off", "two"]).active == "two"
    assert RING.only(["off"]).active == "off"


def test_importing_adds_what_is_missing_and_changes_nothing_else() -> None:
    """The same keys again change nothing; a state, an alias and the active key of one's own stay."""
    assert RING.importing(RING) == RING
    other = Keyring(
        active="new",
        keys={"new": key("new"), "off": key("off")},
        aliases={"alias/payments": "new", "alias/other": "new"},
    )
    after = RING.importing(other)
    assert after.active == "one"
    assert after.keys == {**RING.keys, "new": key("new")}
    assert after.aliases == {**RING.aliases, "alias/other": "new"}


def test_another_key_under_the_same_id_is_not_imported() -> None:
    """Nothing that is sealed under one's own key may be lost to a stranger's."""
    with pytest.raises(ResourceExists, match="two"):
        RING.importing(Keyring(active="two", keys={"two": key("two", 3)}))
