"""Lengths of time by rotator, as the configuration gives them."""

import json
from pathlib import Path

import pytest

from rotator.config import Configuration, load_configuration
from rotator.errors import ConfigurationError


def load(home: Path, text: str, **environ: str) -> Configuration:
    file = home / "settings.yaml"
    file.write_text(f"rotation: {{grace_of: {text}}}")
    file.chmod(0o600)
    return load_configuration(file=file, environ={"ROTATOR_HOME": str(home), **environ})


def test_seconds_and_lengths(tmp_path: Path) -> None:
    """A number is seconds, a text a length; both become seconds that the engine takes."""
    text = '{mysql-single-user: 30m, redis-acl: 0, mine: 90.5, other: "${LENGTH}"}'

    settings = load(tmp_path, text, LENGTH="1h30m").settings

    expected = {"mysql-single-user": 1800.0, "redis-acl": 0.0, "mine": 90.5, "other": 5400.0}
    assert settings.engine_policy().grace_of == expected


def test_a_variable_goes_before_the_file(tmp_path: Path) -> None:
    """It is a JSON object of rotators' names."""
    given = json.dumps({"redis-acl": "5m"})

    settings = load(tmp_path, "{valkey-acl: 1}", ROTATOR_ROTATION_GRACE_OF=given).settings

    assert settings.rotation.grace_of == {"redis-acl": 300.0}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("30m", "rotation.grace_of: expected names, each with a length of time"),
        ("{redis-acl: soon}", "rotation.grace_of.redis-acl: 'soon' is no length of time"),
        ("{redis-acl: -1}", "rotation.grace_of.redis-acl: -1 is out of range"),
        (
            "{redis-acl: 53w}",
            "rotation.grace_of.redis-acl: 53w is out of range; expected 0 to 52w1d",
        ),
        ("{redis-acl: true}", "rotation.grace_of.redis-acl: expected a number"),
        ("{redis-acl: null}", "rotation.grace_of.redis-acl: expected a number"),
        ("{redis-acl: {length: 1}}", "rotation.grace_of.redis-acl: expected a number"),
    ],
)
def test_what_is_no_length_is_refused(tmp_path: Path, text: str, message: str) -> None:
    """The message names the setting and the rotator."""
    with pytest.raises(ConfigurationError) as refused:
        load(tmp_path, text)
    assert message in str(refused.value)
