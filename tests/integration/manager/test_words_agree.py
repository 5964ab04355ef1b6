"""The words by which secrets are found, whatever was written."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from rotator.manager.manager import SecretsManager
from rotator.store import search
from rotator.store.search import Texts
from rotator.store.store import Store
from rotator.store.tables import secrets, words
from tests.support.manager import ME, value
from tests.support.words import kept_words, wanted_words

TEXTS = st.sampled_from(["", "alpha", "Beta gamma", "gamma beta", "Straße", "a-b_c", "alpha alpha"])
KEYS = st.sampled_from(["alpha", "team", "größe", "x y"])
WRITES = st.one_of(
    st.tuples(st.just("create"), TEXTS, st.dictionaries(KEYS, TEXTS, max_size=2)),
    st.tuples(st.just("describe"), TEXTS),
    st.tuples(st.just("put with description"), TEXTS),
    st.tuples(st.just("tag"), st.dictionaries(KEYS, TEXTS, min_size=1, max_size=2)),
    st.tuples(st.just("untag"), st.lists(KEYS, min_size=1, max_size=2)),
    st.tuples(st.just("delete")),
)


def _write(manager: SecretsManager, write: tuple[object, ...], name: str, made: set[str]) -> None:
    match write:
        case ("create", str(text), dict(given_tags)) if name not in made:
            manager.create_secret(**ME, name=name, description=text, tags=given_tags)
            made.add(name)
        case ("describe", str(text)) if name in made:
            manager.update_secret(**ME, secret_id=name, description=text)
        case ("put with description", str(text)) if name in made:
            manager.update_secret(**ME, secret_id=name, description=text, value=value("v"))
        case ("tag", dict(given_tags)) if name in made:
            manager.tag_resource(**ME, secret_id=name, tags=given_tags)
        case ("untag", list(keys)) if name in made:
            manager.untag_resource(**ME, secret_id=name, tag_keys=sorted(set(keys)))
        case ("delete",) if name in made:
            manager.delete_secret(**ME, secret_id=name, force_without_recovery=True)
            made.remove(name)


def test_the_words_agree_after_any_sequence_of_writes(
    manager: SecretsManager, store: Store
) -> None:
    """What is created, described, tagged, untagged or deleted is found by just the words that it has then."""
    names = st.sampled_from(["app/alpha", "db_beta"])
    made: set[str] = set()

    @settings(max_examples=15, deadline=None, derandomize=True)
    @given(st.lists(st.tuples(WRITES, names), min_size=3, max_size=10))
    def write(writes: list[tuple[tuple[object, ...], str]]) -> None:
        for one, name in writes:
            _write(manager, one, name, made)
        assert kept_words(store) == wanted_words(store)

    write()


def test_an_import_enters_many_at_once(manager: SecretsManager, store: Store) -> None:
    """Words of several new secrets go in together; those without one leave none."""
    for name in ("one", "two", "-"):
        manager.create_secret(**ME, name=name, description=f"{name} text")
    expected = kept_words(store)
    assert expected == wanted_words(store)
    with store.write() as tx:
        tx.connection.execute(words.delete())
        rows = tx.connection.execute(select(secrets)).all()
        search.add(tx, {row.id: Texts(name=row.name, description=row.description) for row in rows})
        search.add(tx, {})
    assert kept_words(store) == expected


@pytest.mark.parametrize("description", ["x" * 2048, "\U0001f511 " + "日" * 2000, "नि" * 1000])
def test_the_longest_words_fit(manager: SecretsManager, store: Store, description: str) -> None:
    """A word as long as a description is kept up to the characters that count."""
    manager.create_secret(**ME, name="long", description=description)
    assert kept_words(store) == wanted_words(store)
