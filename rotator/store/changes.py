"""What audit records say of the secrets that their changes left behind, so that rows can be held against them. Pure.

The record of a change has the secret's revision with that change, and in its detail, under `left`, what was written:
columns of the secret's row, all of its labels, tags put and taken off, versions pinned and released, the rotation that
began or ended. Played back in the order of revisions, records give the state that the rows have to be in.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from rotator.store.tables import secrets

RESTATED: Final = "SecretRestated"
"""The event of a record that says all that is known of a secret, where records before it go or are missing."""

BEGUN: Final = "RotationStarted"
TEST_BEGUN: Final = "TestRotationStarted"

# Their truth is elsewhere: a read's date, a barrier that the longest limit ends anyhow, and what due times were worked
# out from: another one has them worked out again.
_UNTRACKED = {
    "id",
    "accessed_on",
    "barrier_raised_at",
    "barrier_until",
    "due_basis",
    "revision",
}
TRACKED: Final = tuple(column.name for column in secrets.columns if column.name not in _UNTRACKED)
_DIGESTED = {"description", "resource_policy"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_RANKS = {RESTATED: 1, BEGUN: 2, TEST_BEGUN: 2}

Columns = Mapping[str, Any]


def left(
    columns: Columns,
    *,
    labels: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
    untagged: Collection[str] = (),
    pinned: Collection[str] = (),
    unpinned: Collection[str] = (),
    released: bool = False,
    ended: bool = False,
) -> dict[str, Any]:
    """What a change left behind, as its record keeps it.

    Args:
        columns: of the secret's row, as they were written; what isn't kept track of is passed over.
        labels: all of them, where they may have changed.
        tags: those that were put.
        untagged: the keys of those that were taken off before that.
        pinned: versions, as `unpinned`.
        released: every version was unpinned before that.
        ended: no rotation owns the secret any more.
    """
    said: dict[str, Any] = {
        "columns": recorded(columns),
        "tags": dict(tags or {}),
        "untagged": sorted(untagged),
        "pinned": sorted(pinned),
        "unpinned": sorted(unpinned),
        "released": released,
        "ended": ended,
    }
    said = {what: value for what, value in said.items() if value}
    return said if labels is None else {**said, "labels": dict(labels)}


def begun(rotation_id: str, token: str) -> dict[str, Any]:
    """What the beginning of a rotation left: AWSPENDING may be on its token from now on."""
    return {"begun": [rotation_id, token]}


GONE: Final[Mapping[str, Any]] = {"gone": True}
"""What the removal of a secret left."""


def recorded(columns: Columns) -> dict[str, Any]:
    """Columns of a secret's row as records keep them."""
    return {name: _plain(name, columns[name]) for name in TRACKED if name in columns}


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, datetime):
        return (value - _EPOCH) // _MICROSECOND
    if name in _DIGESTED and value is not None:
        return hashlib.sha256(value.encode()).hexdigest()
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One record of a change."""

    event: str
    revision: int
    seq: int
    left: Mapping[str, Any]

    @property
    def order(self) -> tuple[int, int, int]:
        """Its place among the changes of its secret. A rotation's beginning is no revision of its own."""
        return self.revision, _RANKS.get(self.event, 0), self.seq


@dataclass(slots=True, kw_only=True)
class Known:
    """The state of a secret that its records give.

    Attributes:
        columns: those of its row that are kept track of; empty where no record says how it began.
        pinned: versions.
        rotation: id and token of the rotation that owns it.
        gone: it was removed.
    """

    arn: str
    revision: int = 0
    columns: dict[str, Any] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    pinned: set[str] = field(default_factory=set)
    rotation: tuple[str, str] | None = None
    gone: bool = False

    @classmethod
    def of(cls, arn: str, changes: Iterable[Change]) -> "Known":
        """What the changes of one secret come to, in whatever order they are given."""
        known = cls(arn=arn)
        for change in sorted(changes, key=lambda change: change.order):
            known._follow(change)
        return known

    def _follow(self, change: Change) -> None:
        said = change.left
        self.revision = change.revision
        self.gone = bool(said.get("gone"))
        if "begun" in said:
            rotation_id, token = said["begun"]
            self.rotation = (rotation_id, token)
            return
        if change.event == RESTATED:
            self.columns, self.tags, self.pinned, self.rotation = {}, {}, set(), None
            if "owned" in said:
                rotation_id, token = said["owned"]
                self.rotation = (rotation_id, token)
        if said.get("ended"):
            self.rotation = None
        self.columns |= said.get("columns", {})
        self.labels = dict(said.get("labels", self.labels))
        for key in said.get("untagged", ()):
            self.tags.pop(key, None)
        self.tags |= said.get("tags", {})
        if said.get("released"):
            self.pinned.clear()
        self.pinned |= set(said.get("pinned", ()))
        self.pinned -= set(said.get("unpinned", ()))

    def restated(self) -> dict[str, Any]:
        """All of it, for a record of the event `SecretRestated`."""
        if self.gone:
            return dict(GONE)
        said = left({}, labels=self.labels, tags=self.tags, pinned=self.pinned)
        said["columns"] = self.columns
        return said if self.rotation is None else {**said, "owned": list(self.rotation)}
