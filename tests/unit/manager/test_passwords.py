"""Random passwords, as GetRandomPassword makes them."""

import random
import secrets
import string
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotator.errors import InvalidParameter
from rotator.manager.passwords import PasswordRecipe

TYPES = {
    "exclude_lowercase": string.ascii_lowercase,
    "exclude_uppercase": string.ascii_uppercase,
    "exclude_numbers": string.digits,
    "exclude_punctuation": string.punctuation,
}


def test_the_default_is_32_characters_of_every_type() -> None:
    """Without a space."""
    password = PasswordRecipe().make(secrets.choice)

    assert len(password) == 32
    assert " " not in password
    for members in TYPES.values():
        assert set(password) & set(members)


@given(
    length=st.integers(1, 40),
    exclude_characters=st.text(string.printable[:95], max_size=60),
    excluded=st.sets(st.sampled_from(list(TYPES))),
    include_space=st.booleans(),
    require=st.booleans(),
    seed=st.randoms(use_true_random=False),
)
def test_a_password_is_what_was_asked_for(
    length: int,
    exclude_characters: str,
    excluded: set[str],
    include_space: bool,
    require: bool,
    seed: random.Random,
) -> None:
    """Its length, none of what is excluded, one at least of each type that is left; or a refusal where none fits."""
    recipe = PasswordRecipe(
        length=length,
        exclude_characters=exclude_characters,
        include_space=include_space,
        require_each_included_type=require,
        **dict.fromkeys(excluded, True),
    )
    left = [
        set(members) - set(exclude_characters)
        for name, members in TYPES.items()
        if name not in excluded
    ]
    left = [members for members in left if members]
    allowed = set().union(*left) | ({" "} - set(exclude_characters) if include_space else set())
    if not allowed or (require and length < len(left)):
        with pytest.raises(InvalidParameter):
            recipe.make(seed.choice)
        return

    password = recipe.make(seed.choice)

    assert len(password) == length
    assert set(password) <= allowed
    if require:
        assert all(set(password) & members for members in left)


def test_too_short_for_its_types() -> None:
    """The real service's text."""
    with pytest.raises(InvalidParameter) as refused:
        PasswordRecipe(length=3).make(secrets.choice)

    assert str(refused.value) == "Password length is too short based on the required types."


def test_nothing_left() -> None:
    """Excluding everything is refused before anything is drawn."""
    with pytest.raises(InvalidParameter, match="no character left"):
        PasswordRecipe(**dict.fromkeys(TYPES, True)).make(secrets.choice)  # type: ignore[arg-type]


def test_every_password_is_as_likely_as_any_other() -> None:
    """The four passwords that `a`, `b` and a required digit give come equally often."""
    recipe = PasswordRecipe(
        length=2,
        exclude_characters="".join(set(string.printable) - set("ab1")),
        exclude_uppercase=True,
        exclude_punctuation=True,
    )
    chance = random.Random(7)
    drawn = Counter(recipe.make(chance.choice) for _ in range(8000))

    assert drawn.keys() == {"a1", "b1", "1a", "1b"}
    assert all(abs(count - 2000) < 200 for count in drawn.values())
