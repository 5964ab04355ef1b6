"""An import in two passes: every line is read and checked, and only then is anything written.

It can be repeated at any time: what is there already, the same, counts as done. So a run that was killed goes on with
the same command.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from rotator.cli.transfer.choices import OnConflict
from rotator.cli.transfer.entries import Entry
from rotator.errors import KeyUnavailable, RotatorError, StoreUnavailable
from rotator.manager.bulk import Comparison, Standing
from rotator.manager.manager import SecretsManager
from rotator.manager.portable import PortableSecret
from rotator.model.caller import Caller

SHOWN = 10
"""Lines of each fate that are remembered for whoever reads the result."""

_BATCH = 1000
_BATCH_BYTES = 4 * 1024 * 1024
_ABOUT_A_SECRET = 1024  # bytes of a secret but its values


class Fate(StrEnum):
    """What becomes of a line."""

    MADE = "made"
    CHANGED = "changed"
    LEFT = "left"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What became of one line, and why."""

    line: int
    name: str | None
    reason: str | None = None


@dataclass(slots=True)
class Tally:
    """What became of how many lines, with the first of each fate.

    Attributes:
        conflicts: how many of the refused ones were so because another secret has the name.
        versions_left_out: how many lines of secrets that were there have versions beside AWSCURRENT, which are neither
            compared nor imported.
    """

    counts: Counter[Fate] = field(default_factory=Counter)
    first: dict[Fate, list[Line]] = field(default_factory=lambda: {fate: [] for fate in Fate})
    conflicts: int = 0
    versions_left_out: int = 0

    def add(self, fate: Fate, line: Line) -> None:
        """Counts a line."""
        self.counts[fate] += 1
        if len(self.first[fate]) < SHOWN:
            self.first[fate].append(line)

    @property
    def refused(self) -> int:
        """How many lines can't be imported."""
        return self.counts[Fate.REFUSED]


Tell = Callable[[Tally], None]
_Settle = Callable[[PortableSecret, Comparison], tuple[Fate, str | None]]
_Operation = Callable[[Sequence[PortableSecret]], Sequence[Comparison]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """One import.

    Attributes:
        lines: what is imported, from the beginning each time.
    """

    manager: SecretsManager
    caller: Caller
    request_id: str
    lines: Callable[[], Iterator[Entry]]
    on_conflict: OnConflict

    def check(self, tell: Tell) -> Tally:
        """What an import would make of each line. Nothing is written but the records of what was compared."""

        def compare(wanted: Sequence[PortableSecret]) -> Sequence[Comparison]:
            return self.manager.compare_secrets(
                caller=self.caller, request_id=self.request_id, wanted=wanted
            )

        lines = map(self._checked, self.lines())
        return self._each(lines, compare, lambda _, comparison: self._fate(comparison), tell)

    def write(self, tell: Tell) -> Tally:
        """Imports the lines; one that can't be is told and keeps no other back.

        Raises:
            KeyUnavailable, StoreUnavailable: it ended in the middle; what was told is kept.
            InvalidParameter, InvalidRequest, ValidationError: the lines are others than those that were checked.
        """

        def create(wanted: Sequence[PortableSecret]) -> Sequence[Comparison]:
            return self.manager.create_secrets(
                caller=self.caller, request_id=self.request_id, wanted=wanted
            )

        return self._each(self.lines(), create, self._settled, tell)

    def _checked(self, entry: Entry) -> Entry:
        if entry.secret is None:
            return entry
        try:
            self.manager.check_secret(entry.secret)
        except (KeyUnavailable, StoreUnavailable):
            raise
        except RotatorError as error:
            return Entry(
                line=entry.line, problem=str(error)
            )  # without the name: it may be malformed
        return entry

    @staticmethod
    def _each(lines: Iterator[Entry], operation: _Operation, settle: _Settle, tell: Tell) -> Tally:
        tally = Tally()
        for batch in _batches(lines):
            wanted = [entry.secret for entry in batch if entry.secret is not None]
            compared = iter(operation(wanted))
            for entry in batch:
                if entry.secret is None:
                    fate, reason = Fate.REFUSED, entry.problem
                else:
                    comparison = next(compared)
                    fate, reason = settle(entry.secret, comparison)
                    if fate is Fate.REFUSED:
                        tally.conflicts += comparison.standing is Standing.OTHER
                    elif _leaves_versions_out(entry.secret, fate):
                        tally.versions_left_out += 1
                        reason = f"{reason}; its older versions in the file were left out"
                tally.add(fate, Line(line=entry.line, name=entry.name, reason=reason))
            tell(tally)
        return tally

    def _fate(self, comparison: Comparison) -> tuple[Fate, str | None]:
        others = " and ".join(comparison.differs)
        match comparison.standing, self.on_conflict:
            case Standing.ABSENT, _:
                return Fate.MADE, None
            case Standing.SAME, _:
                return Fate.LEFT, "it is there already, the same"
            case Standing.DELETED, _:
                return Fate.REFUSED, "one of this name is marked for deletion; restore it first"
            case _, OnConflict.UPDATE:
                return Fate.CHANGED, f"another {others}"
            case _, OnConflict.SKIP:
                return Fate.LEFT, f"it is there already, with another {others}"
        return Fate.REFUSED, f"it is there already, with another {others}"

    def _settled(self, secret: PortableSecret, comparison: Comparison) -> tuple[Fate, str | None]:
        fate, reason = self._fate(comparison)
        if fate is Fate.CHANGED:
            try:
                self._update(secret, comparison)
            except (KeyUnavailable, StoreUnavailable):
                raise
            except RotatorError as error:
                return Fate.REFUSED, str(error)
        return fate, reason

    def _update(self, secret: PortableSecret, comparison: Comparison) -> None:
        differs = set(comparison.differs)
        if differs & {"value", "description", "key"}:
            self.manager.update_secret(
                caller=self.caller,
                request_id=self.request_id,
                secret_id=secret.name,
                value=secret.current if "value" in differs else None,
                description=secret.description,
                kms_key_id=secret.kms_key_id if "key" in differs else None,
            )
        if "tags" in differs:
            self.manager.tag_resource(
                caller=self.caller,
                request_id=self.request_id,
                secret_id=secret.name,
                tags=secret.tags,
            )


def _leaves_versions_out(secret: PortableSecret, fate: Fate) -> bool:
    return fate in {Fate.LEFT, Fate.CHANGED} and len(secret.versions) > 1


def _batches(lines: Iterator[Entry]) -> Iterator[Sequence[Entry]]:
    batch: list[Entry] = []
    size = 0
    for entry in lines:
        batch.append(entry)
        size += _size(entry.secret)
        if len(batch) >= _BATCH or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _size(secret: PortableSecret | None) -> int:
    values = () if secret is None else (version.value for version in secret.versions)
    return _ABOUT_A_SECRET + sum(len(value.string or value.binary or b"") for value in values)
