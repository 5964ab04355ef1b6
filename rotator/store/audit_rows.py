"""Whether the rows of secrets are as the records of their changes left them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from sqlalchemy import bindparam, select, text

from rotator.model.labels import PENDING
from rotator.store import audit_known, labels, tags
from rotator.store.changes import TRACKED, Known, recorded
from rotator.store.database import Database
from rotator.store.search import Texts
from rotator.store.tables import ACTIVE_ROTATION, rotations, secrets, versions, words
from rotator.store.tx import Tx

_BATCH: Final = 200
_LOOKS: Final = 10  # at a secret that is being written all the time

_IDS: Final[Any] = bindparam("at_ids", expanding=True)
_S = secrets.c
_ROWS = select(_S.id, _S.revision, *(_S[name] for name in TRACKED))
_BY_ARN = _ROWS.where(_S.arn.in_(bindparam("at_arns", expanding=True)))
_BY_ID = _ROWS.where(_S.id > bindparam("after")).order_by(_S.id).limit(_BATCH)
_PINNED = select(versions.c.secret_id, versions.c.version_id).where(
    versions.c.secret_id.in_(_IDS), versions.c.pinned
)
_ACTIVE = select(rotations.c.secret_id, rotations.c.id, rotations.c.token).where(
    rotations.c.secret_id.in_(_IDS), text(ACTIVE_ROTATION)
)
_WORDS = select(words.c.secret_id, words.c.place, words.c.word).where(words.c.secret_id.in_(_IDS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The rows of one secret.

    Attributes:
        columns: as records keep them.
        rotation: id and token of the one that owns it.
        words: by which it is found, as `wanted_words` are those that it should be found by.
    """

    revision: int
    columns: Mapping[str, Any]
    labels: Mapping[str, str]
    tags: Mapping[str, str]
    pinned: frozenset[str]
    rotation: tuple[str, str] | None
    words: frozenset[tuple[str, str]]
    wanted_words: frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A secret that is not as its records left it."""

    arn: str
    known: bool
    there: bool
    what: tuple[str, ...]


def differences(store: Database) -> Iterator[Difference | None]:
    """What is wrong with each secret of the store and of the audit, None where nothing is; writers may go on meanwhile.

    A batch of secrets a transaction: a store may be larger than memory.
    """
    known_ones = audit_known.everything(store)
    while batch := list(islice(known_ones, _BATCH)):
        arns = [known.arn for known in batch]
        with store.read() as tx:
            found = _load(tx, arns)
        for known in batch:
            if not known.gone or known.arn in found:
                differs = _compare(known, found.get(known.arn))
                yield _looked_at_again(store, known.arn) if differs else None
    after = -(2**63)
    while True:
        with store.read() as tx:
            rows = tx.execute(_BY_ID, {"after": after}).all()
            named = audit_known.known_among(tx, [row.arn for row in rows])
        for row in rows:
            if row.arn not in named and (wrong := _looked_at_again(store, row.arn)) is not None:
                yield wrong
        if len(rows) < _BATCH:
            return
        after = rows[-1].id


def batches(tx: Tx) -> Iterator[Mapping[str, Found]]:
    """The rows of every secret, by ARN, a batch at a time."""
    after = -(2**63)
    while rows := tx.execute(_BY_ID, {"after": after}).all():
        yield _load(tx, [row.arn for row in rows])
        after = rows[-1].id


def _looked_at_again(store: Database, arn: str) -> Difference | None:
    """The same once more, with the records before and after the rows: who writes commits both at once."""
    known = found = None
    for _ in range(_LOOKS):
        with store.read() as tx:
            known = audit_known.one(tx, arn)
            found = _load(tx, [arn]).get(arn)
            if audit_known.one(tx, arn) == known:
                break
    what = _compare(known, found)
    if not what:
        return None
    return Difference(
        arn=arn, known=known is not None and not known.gone, there=found is not None, what=what
    )


def _compare(known: Known | None, found: Found | None) -> tuple[str, ...]:
    """What of the rows is not as the records left it."""
    if known is None or known.gone:
        return () if found is None else ("row",)
    if found is None:
        return ("row",)
    pending = {} if known.rotation is None else {PENDING: known.rotation[1]}
    agrees = {
        "revision": found.revision == known.revision,
        "labels": found.labels in (known.labels, {**known.labels, **pending}),
        "tags": found.tags == known.tags,
        "pinned versions": found.pinned == known.pinned,
        "rotation under way": found.rotation == known.rotation,
        "words": found.words == found.wanted_words,
    }
    differing = [name for name in TRACKED if found.columns[name] != known.columns.get(name)]
    return (*differing, *(what for what, is_same in agrees.items() if not is_same))


def _load(tx: Tx, arns: Sequence[str]) -> Mapping[str, Found]:
    rows = list(tx.execute(_BY_ARN, {"at_arns": arns}).mappings())
    ids = [row["id"] for row in rows]
    if not ids:
        return {}
    labels_of, tags_of = labels.load_many(tx, ids), tags.load_many(tx, ids)
    pinned, words_of = _sets(tx, _PINNED, ids), _sets(tx, _WORDS, ids)
    active = {row[0]: (row[1], row[2]) for row in tx.execute(_ACTIVE, {"at_ids": ids})}
    found = {}
    for row in rows:
        at, its_tags = labels_of.get(row["id"]), tags_of.get(row["id"], {})
        texts = Texts(name=row["name"], description=row["description"], tags=its_tags)
        found[row["arn"]] = Found(
            revision=row["revision"],
            columns=recorded(row),
            labels={} if at is None else dict(at.at),
            tags=its_tags,
            pinned=frozenset(version_id for (version_id,) in pinned.get(row["id"], ())),
            rotation=active.get(row["id"]),
            words=frozenset(words_of.get(row["id"], ())),
            wanted_words=frozenset((str(place), word) for place, word in texts.words()),
        )
    return found


def _sets(tx: Tx, statement: Any, ids: Sequence[int]) -> Mapping[int, set[tuple[Any, ...]]]:
    found: dict[int, set[tuple[Any, ...]]] = {}
    for row in tx.execute(statement, {"at_ids": ids}):
        found.setdefault(row[0], set()).add(tuple(row[1:]))
    return found
