"""New values and the settings that shape their passwords."""

from typing import Any

from rotator.sdk import Candidate, PasswordSettings, Rotation, SecretValue
from rotators.postgresql import AlternatingUsers, SingleUser

CURRENT = SecretValue.from_json(
    {
        "engine": "postgres",
        "host": "h",
        "username": "app",
        "password": "old",
        "masterarn": "arn:a",
        "own": [1],
    }
)


def rotation(**settings: Any) -> Rotation:
    return Rotation(
        rotation_id="r",
        secret_arn="arn:s",
        secret_name="s",
        token="t",
        fencing=1,
        attempt=1,
        values={Candidate.CURRENT: CURRENT},
        settings=PasswordSettings(**settings),
        deadline=0.0,
    )


def test_single_user_keeps_all_but_the_password() -> None:
    """The new value differs in the password alone."""
    new = SingleUser().create_secret(rotation()).fields()
    assert len(new.pop("password")) == 32
    assert new == {k: v for k, v in CURRENT.fields().items() if k != "password"}


def test_alternating_users_name_the_other_user() -> None:
    """The new value is the other user's, and the one after it the first user's again."""
    new = AlternatingUsers().create_secret(rotation())
    assert new.fields()["username"] == "app_clone"
    assert new.fields()["own"] == [1]


def test_settings_shape_the_password() -> None:
    """Length, excluded characters and punctuation are as the settings say."""
    settings = {"length": 64, "exclude_characters": "abcXYZ0189", "punctuation": False}
    password = SingleUser().create_secret(rotation(**settings)).fields()["password"]
    assert len(password) == 64
    assert password.isalnum()
    assert not set(password) & set("abcXYZ0189")
