"""The rotator's own settings on the command line: checked when they are set, by the rotator's model."""

import pytest

from tests.acceptance.conftest import SECRET
from tests.support.command import RotateCommand

SINGLE = "postgresql-single-user"
VALUE = {"engine": "postgres", "host": "localhost", "username": "app", "password": "first"}


@pytest.fixture
def home(rotate: RotateCommand) -> RotateCommand:
    """A home with a secret that no server knows: nothing here reaches one."""
    rotate.ok("init")
    rotate.ok("secret", "create", SECRET, value=VALUE)
    rotate.ok("rotation", "set", SECRET, "--rotator", SINGLE, "--setting", "length=20")
    return rotate


def settings(rotate: RotateCommand) -> dict[str, object]:
    found: dict[str, object] = rotate.json("rotation", "show", SECRET)["rotation"]["options"][
        "settings"
    ]
    return found


def test_text_is_stored_as_what_it_means(home: RotateCommand) -> None:
    """A number is stored as a number; settings are added one by one and taken back by name."""
    assert settings(home) == {"length": 20}
    home.ok("rotation", "set", SECRET, "--setting", "punctuation=false")
    assert settings(home) == {"length": 20, "punctuation": False}
    home.ok("rotation", "set", SECRET, "--no-setting", "length")
    assert settings(home) == {"punctuation": False}
    assert home("rotation", "set", SECRET, "--no-setting", "length").code == 2


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("lenght=40", "lenght"),
        ("length=long", "a whole number"),
        ("length=8", "16 to 128"),
        ("punctuation=maybe", "true or false"),
    ],
)
def test_a_wrong_setting_is_refused_and_nothing_stored(
    home: RotateCommand, wrong: str, said: str
) -> None:
    """The message names the setting and what is allowed, and the settings stay as they were."""
    ran = home("rotation", "set", SECRET, "--setting", wrong)
    assert ran.code == 2
    assert wrong.partition("=")[0] in ran.err
    assert said in " ".join(ran.err.split())
    assert settings(home) == {"length": 20}


def test_an_unknown_setting_is_refused_with_the_known_ones(home: RotateCommand) -> None:
    """A misspelt setting is answered with what there is."""
    ran = home("rotation", "set", SECRET, "--setting", "lenght=40")
    assert "length, exclude_characters, punctuation" in " ".join(ran.err.split())


def test_another_rotator_begins_without_settings(home: RotateCommand) -> None:
    """What one rotator was told is not handed to the next."""
    home.ok("rotation", "set", SECRET, "--rotator", "postgresql-alternating-users")
    assert settings(home) == {}
