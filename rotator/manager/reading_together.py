"""GetSecretValue for several callers at once: one look and one commit for all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from rotator.errors import RotatorError, StoreUnavailable
from rotator.manager.looking import EVENT, Look, Looked, ValueRead
from rotator.manager.reading import Reading
from rotator.manager.refusals import refusal
from rotator.manager.results import Delayed, SecretValueResult
from rotator.model.rotation import FRESH
from rotator.store import values_together
from rotator.store.notes import Access, AuditEntry
from rotator.store.store import Tx
from rotator.store.values import ValueRow
from rotator.store.values_together import Wanted
from rotator.store.versions import VersionRow

ReadOutcome: TypeAlias = SecretValueResult | Delayed | RotatorError
"""What a read gives, how long it has to wait, or what it ends with."""


_Ahead: TypeAlias = Mapping[Wanted, ValueRow]


@dataclass(slots=True)
class _Try:
    """What has become of one read so far.

    Attributes:
        wanted: what may be looked up together with what others want.
        row: the secret and the version that were found.
        entry: the record that it leaves.
    """

    read: ValueRead
    look: Look | None = None
    wanted: Wanted | None = None
    row: tuple[ValueRow, VersionRow] | None = None
    looked: Looked | Delayed | None = None
    error: RotatorError | None = None
    entry: AuditEntry | None = None

    def begin(self) -> None:
        """Says what is to be looked up."""
        try:
            self.look = look = Look.of(self.read)
        except RotatorError as error:
            self.fail(error)
        else:
            self.wanted = look.wanted

    def find(self, tx: Tx, ahead: _Ahead) -> None:
        """Looks the version up."""
        look = self.look
        if look is None:
            return
        try:
            found = look.find(tx, ahead=self._of(ahead))
            if isinstance(found, Delayed):
                self.looked = found
            else:
                self.row = (found, look.version_of(found))
        except RotatorError as error:
            self.fail(error)

    def find_again(self, tx: Tx, ahead: _Ahead, *, at: float) -> None:
        """Looks the version up once more; where it is as it was, its value is of that moment.

        What else may be found, a change or an error, is left to a look by itself.
        """
        look, looked = self.look, self.looked
        if look is None or not isinstance(looked, Looked):
            return
        try:
            found = look.find(tx, ahead=self._of(ahead))
            version = None if isinstance(found, Delayed) else look.version_of(found)
        except RotatorError:
            return
        if (
            version is not None
            and isinstance(found, ValueRow)
            and version.sealed == looked.version.sealed
        ):
            self.looked = Looked(at, found, version, looked.value)

    def _of(self, ahead: _Ahead) -> ValueRow | None:
        return None if self.wanted is None else ahead.get(self.wanted)

    def fail(self, error: RotatorError) -> None:
        """Ends it. A store that isn't available takes no record: nothing was read there."""
        self.error = error
        if not isinstance(error, StoreUnavailable):
            self.entry = refusal(EVENT, error, self.read.given)


class ReadingTogether(Reading):
    """How values are read for several callers."""

    def read_secret_values(self, reads: Sequence[ValueRead]) -> Sequence[ReadOutcome]:
        """What `read_secret_value` gives each of several callers, or raises.

        What one of them may not have, or can't be given, is kept from it alone.

        Raises:
            KeyUnavailable, StoreUnavailable: the store can't be read, or what was read and refused can't be recorded;
                nobody is to be answered then.
        """
        tries = [_Try(read) for read in reads]
        at, since = self._clock(), self._sealer.moment()
        for each in tries:
            each.begin()
        with self._store.read() as tx:
            ahead = _ahead(tx, tries)
            for each in tries:
                each.find(tx, ahead)
        for each in tries:
            self._open_found(each, at=at, since=since)
        self._record_all(tries)
        self._look_again(tries)
        return [self._outcome(each) for each in tries]

    def _open_found(self, tried: _Try, *, at: float, since: int) -> None:
        if tried.look is None or tried.row is None:
            return
        found, version = tried.row
        try:
            value = self._value_of(found, version, since=since)
        except RotatorError as error:
            tried.error = error
            tried.entry = tried.look.call.refusal(
                error, secret_arn=found.arn, version_id=version.version_id
            )
            return
        tried.looked = looked = Looked(at, found, version, value)
        tried.entry = looked.entry(tried.look)

    def _record_all(self, tries: Sequence[_Try]) -> None:
        entries = [each.entry for each in tries if each.entry is not None]
        accesses: list[Access] = [
            each.looked.access() for each in tries if isinstance(each.looked, Looked)
        ]
        if entries:
            self._store.record(*entries, accesses=accesses)
        for each in tries:
            if each.error is not None and each.entry is not None:
                each.error.recorded = True

    def _look_again(self, tries: Sequence[_Try]) -> None:
        """Looks up again, all of them at once, what took too long to record."""
        at = self._clock()
        old = [
            each
            for each in tries
            if isinstance(each.looked, Looked) and at - each.looked.at > FRESH
        ]
        if old:
            with self._store.read() as tx:
                ahead = _ahead(tx, old)
                for each in old:
                    each.find_again(tx, ahead, at=at)

    def _outcome(self, tried: _Try) -> ReadOutcome:
        """What a read gives, now that its record is committed."""
        if tried.error is not None:
            return tried.error
        looked, look = tried.looked, tried.look
        if looked is None or look is None:
            raise AssertionError("a read that has neither failed nor found anything")
        if isinstance(looked, Looked) and self._clock() - looked.at <= FRESH:
            return looked.result()
        try:
            return self._fresh(look, looked)
        except RotatorError as error:
            if not (error.recorded or isinstance(error, StoreUnavailable)):
                self._store.record(refusal(EVENT, error, tried.read.given))
                error.recorded = True
            return error


def _ahead(tx: Tx, tries: Sequence[_Try]) -> _Ahead:
    return values_together.find(tx, {each.wanted for each in tries if each.wanted is not None})
