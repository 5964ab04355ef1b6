"""The words by which secrets are found, as they are kept and as they should be."""

from collections import defaultdict

from sqlalchemy import select

from rotator.store import tags
from rotator.store.search import Place, Texts
from rotator.store.store import Store
from rotator.store.tables import secrets, words


def kept_words(store: Store) -> dict[int, set[tuple[Place, str]]]:
    """The words as rows, by secret."""
    found: defaultdict[int, set[tuple[Place, str]]] = defaultdict(set)
    with store.read() as tx:
        for secret_id, place, word in tx.connection.execute(select(words)):
            found[secret_id].add((Place(place), word))
    return found


def wanted_words(store: Store) -> dict[int, set[tuple[Place, str]]]:
    """The words of the secrets as they are now."""
    with store.read() as tx:
        rows = tx.connection.execute(
            select(secrets.c.id, secrets.c.name, secrets.c.description)
        ).all()
        tags_of = tags.load_many(tx, [row.id for row in rows])
    return {
        row.id: set(
            Texts(name=row.name, description=row.description, tags=tags_of.get(row.id, {})).words()
        )
        for row in rows
    }
