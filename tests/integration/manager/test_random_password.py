"""GetRandomPassword."""

import pytest
from sqlalchemy import select

from rotator.errors import ValidationError
from rotator.manager.manager import SecretsManager
from rotator.manager.passwords import PasswordRecipe
from rotator.store.store import Store
from rotator.store.tables import audit
from tests.support.manager import ME


def test_a_password_is_made_and_not_kept(manager: SecretsManager, store: Store) -> None:
    """Its record says who asked, and nothing of the password."""
    password = manager.get_random_password(**ME)

    assert len(password) == 32
    with store.read() as tx:
        [record] = tx.connection.execute(select(audit)).all()
    assert (record.event, record.outcome) == ("GetRandomPassword", "succeeded")
    assert password not in repr(record)


@pytest.mark.parametrize("length", [0, 4097])
def test_it_has_1_to_4096_characters(manager: SecretsManager, length: int) -> None:
    """Other lengths are refused."""
    with pytest.raises(ValidationError, match="'passwordLength'"):
        manager.get_random_password(**ME, recipe=PasswordRecipe(length=length))


def test_the_longest(manager: SecretsManager) -> None:
    """4,096 characters, without what is excluded."""
    recipe = PasswordRecipe(length=4096, exclude_characters="abc")

    password = manager.get_random_password(**ME, recipe=recipe)

    assert len(password) == 4096
    assert not set(password) & set("abc")
