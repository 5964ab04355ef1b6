"""The words by which secrets are found, as rows: they always agree with name, description and tags.

Whoever writes one of these calls `add` or `refresh` in the same transaction, with the secret's row locked.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain

from sqlalchemy import bindparam, delete, insert, select

from rotator.model.words import words as words_of
from rotator.store import tags
from rotator.store.tables import secrets, words
from rotator.store.tx import Tx


class Place(StrEnum):
    """Where a word stands in a secret."""

    NAME = "n"
    DESCRIPTION = "d"
    TAG = "t"  # a key or a value


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """What a secret is found by."""

    name: str
    description: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    def words(self) -> frozenset[tuple[Place, str]]:
        """Every word, with where it stands."""
        of_tags = " ".join(chain(self.tags.keys(), self.tags.values()))
        texts = (
            (Place.NAME, self.name),
            (Place.DESCRIPTION, self.description or ""),
            (Place.TAG, of_tags),
        )
        return frozenset((place, word) for place, text in texts for word in words_of(text))


_INSERT = insert(words)
_LOAD = select(words.c.place, words.c.word).where(words.c.secret_id == bindparam("at_secret"))
_DELETE = delete(words).where(
    words.c.secret_id == bindparam("at_secret"),
    words.c.place == bindparam("at_place"),
    words.c.word == bindparam("at_word"),
)
_TEXTS = select(secrets.c.name, secrets.c.description).where(secrets.c.id == bindparam("at_secret"))


def add(tx: Tx, texts: Mapping[int, Texts]) -> None:
    """Enters the words of new secrets, by row id: of one, or of a whole import at once."""
    rows = [
        {"secret_id": secret_id, "place": str(place), "word": word}
        for secret_id, of_secret in texts.items()
        for place, word in sorted(of_secret.words())
    ]
    if rows:
        tx.execute(_INSERT, rows)


def refresh(tx: Tx, secret_id: int) -> None:
    """Makes the words of a secret agree with its name, description and tags as they are now in this transaction."""
    [(name, description)] = tx.execute(_TEXTS, {"at_secret": secret_id})
    of_secret = tags.load_many(tx, [secret_id]).get(secret_id, {})
    wanted = Texts(name=name, description=description, tags=of_secret).words()
    found = {(Place(place), word) for place, word in tx.execute(_LOAD, {"at_secret": secret_id})}
    gone = [
        {"at_secret": secret_id, "at_place": str(place), "at_word": word}
        for place, word in sorted(found - wanted)
    ]
    new = [
        {"secret_id": secret_id, "place": str(place), "word": word}
        for place, word in sorted(wanted - found)
    ]
    if gone:
        tx.execute(_DELETE, gone)
    if new:
        tx.execute(_INSERT, new)
