"""A rotator's own settings: from text and from JSON, by the types that a model declares."""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotator.sdk import Misconfigured, PasswordSettings, RotatorSettings, setting


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, kw_only=True)
class Everything(RotatorSettings):
    """One setting of each type."""

    url: str = setting("where the target is")
    count: int = setting("how many", default=3)
    ratio: float = setting("how much", default=0.5)
    loud: bool = setting("whether", default=False)
    names: tuple[str, ...] = setting("who", default=())
    mode: Literal["fast", "slow"] = setting("how", default="fast")
    colour: Colour = setting("which", default=Colour.RED)
    note: str | None = setting("what else", default=None)

    def __post_init__(self) -> None:
        if self.count > 100:
            raise ValueError("count is more than 100")


SETTINGS = st.builds(
    Everything,
    url=st.text(),
    count=st.integers(max_value=100),
    ratio=st.floats(allow_nan=False, allow_infinity=False),
    loud=st.booleans(),
    names=st.lists(st.text()).map(tuple),
    mode=st.sampled_from(["fast", "slow"]),
    colour=st.sampled_from(Colour),
    note=st.none() | st.text(),
)


def test_text_becomes_what_a_setting_holds() -> None:
    """The text of a command line is converted by the type of each setting."""
    given = {
        "url": "x=y",
        "count": "20",
        "ratio": "2",
        "loud": "True",
        "names": "a, b",
        "mode": "slow",
        "colour": "blue",
        "note": "",
    }
    assert Everything.parse(given) == Everything(
        url="x=y",
        count=20,
        ratio=2.0,
        loud=True,
        names=("a", "b"),
        mode="slow",
        colour=Colour.BLUE,
        note="",
    )


@given(settings=SETTINGS)
def test_settings_pass_json_unchanged(settings: Everything) -> None:
    """What is stored or sent through a pipe comes back as the same settings."""
    assert Everything.parse(json.loads(json.dumps(settings.to_mapping()))) == settings


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"count": "many"}, "the setting count is 'many', which is not a whole number"),
        ({"count": True}, "the setting count is True, which is not a whole number"),
        ({"count": 2.5}, "the setting count is 2.5"),
        ({"count": "9" * 99}, "the setting count is"),
        ({"count": "101"}, "count is more than 100"),
        ({"ratio": "nan"}, "ratio is 'nan', which is not a number"),
        ({"ratio": 10**400}, "ratio"),
        ({"loud": "no"}, "the setting loud is 'no', which is not true or false"),
        ({"loud": 1}, "loud"),
        ({"names": [1]}, "names .* not texts, separated by commas"),
        ({"mode": "medium"}, "mode is 'medium', which is not one of: fast, slow"),
        ({"colour": ["red"]}, "colour"),
        ({"url": 5}, "url is 5, which is not text"),
        ({"note": None}, "note"),
    ],
)
def test_what_does_not_fit_is_named(wrong: dict[str, Any], said: str) -> None:
    """A wrong value is refused with the setting's name, what was given and what is allowed."""
    with pytest.raises(Misconfigured, match=said):
        Everything.parse({"url": "u"} | wrong)


def test_an_unknown_setting_is_refused_with_the_known_ones() -> None:
    """A misspelt setting is named, and so is what there is."""
    with pytest.raises(Misconfigured, match="no setting lenght") as refused:
        PasswordSettings.parse({"lenght": "40"})
    assert refused.value.hint == "it takes: length, exclude_characters, punctuation"


def test_a_setting_without_a_default_has_to_be_given() -> None:
    """What is missing is named."""
    with pytest.raises(Misconfigured, match="needs the setting url"):
        Everything.parse({})


@pytest.mark.parametrize(
    "wrong", [{"length": "8"}, {"exclude_characters": "".join(map(chr, range(33, 120)))}]
)
def test_what_leaves_no_safe_password_is_refused(wrong: dict[str, str]) -> None:
    """Such settings are refused when they are set, not when a password is made."""
    with pytest.raises(Misconfigured):
        PasswordSettings.parse(wrong)


def test_settings_describe_themselves() -> None:
    """Name, kind, default and meaning are there for a list of settings."""
    described = {each.name: each for each in Everything.describe()}
    assert described["url"].required
    assert (described["mode"].kind, described["mode"].default) == ("one of: fast, slow", "fast")
    assert described["colour"].default == "red"
    assert described["names"].meaning == "who"
