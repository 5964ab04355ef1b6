"""BatchGetSecretValue: the current values of up to twenty secrets."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from rotator.crypto.envelope import Sealed
from rotator.errors import (
    DecryptionFailure,
    InvalidParameter,
    KeyUnavailable,
    RotatorError,
)
from rotator.manager import cursor as cursors
from rotator.manager import limits
from rotator.manager.asked import asked
from rotator.manager.call import Call
from rotator.manager.looking import MOST_LOOKS, access_to, checked_version, too_slow
from rotator.manager.operations import Operations
from rotator.manager.reading import POLL
from rotator.manager.refusals import audited
from rotator.manager.results import BatchValues, ItemError, SecretValueResult
from rotator.manager.secret_list import SecretList
from rotator.model.caller import Caller, CallerKind
from rotator.model.filters import Filter, SecretFilter
from rotator.model.labels import CURRENT
from rotator.model.rotation import FRESH
from rotator.sdk import SecretValue
from rotator.store import secrets, values
from rotator.store.notes import Access, AuditEntry
from rotator.store.store import Tx
from rotator.store.values import ValueRow
from rotator.store.versions import VersionRow

_EVENT = "GetSecretValue"


@dataclass(frozen=True, slots=True)
class _Found:
    """A secret of a batch with the version to read."""

    call: Call
    row: ValueRow
    version: VersionRow

    @property
    def key(self) -> tuple[str, str, Sealed | None]:
        """What makes it another value."""
        return self.row.arn, self.version.version_id, self.version.sealed


@dataclass(frozen=True, slots=True)
class _Missed:
    """A secret of a batch that has no value to read, and why."""

    call: Call
    error: RotatorError


_Item: TypeAlias = _Found | _Missed
_Look: TypeAlias = Callable[[Tx], tuple[Sequence[_Item], str | None]]
"""Finds the secrets of a batch, and the cursor of the next page."""


@dataclass(slots=True)
class _Done:
    """What was opened and recorded so far; a look that has to be repeated does neither again."""

    opened: dict[tuple[str, str, Sealed | None], SecretValue | RotatorError] = field(
        default_factory=dict
    )
    missed: set[str | None] = field(default_factory=set)
    begun: bool = False


class Batching(Operations):
    """How several values are read at once.

    As on the real service each value that is read, or refused, leaves a record of its own, of the event GetSecretValue;
    one of BatchGetSecretValue says that the batch was asked for, also where it found nothing.
    """

    @audited("BatchGetSecretValue")
    def batch_get_secret_value(
        self,
        *,
        caller: Caller,
        request_id: str,
        secret_ids: Sequence[str] | None = None,
        filters: Sequence[Filter] | None = None,
        cursor: str | None = None,
        max_results: int | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> BatchValues:
        """The AWSCURRENT values of the named secrets, or of those that pass the filters, a page at a time.

        What fails for one secret is told in the answer, and the others come all the same. The batch waits for all
        raised read barriers of its secrets together, and reads all values after that.

        Args:
            secret_ids: names or ARNs; each is answered once.
            filters: as ListSecrets has them, in place of names.
            cursor: `next_cursor` of the page before, with the same filters.
            max_results: secrets of a page, where filters find them.
            sleep: called between two looks at raised barriers, while no transaction is open.

        Raises:
            AccessDenied: the caller may not list secrets here, where filters are given.
            InvalidNextToken: the cursor is none of this list.
            InvalidParameter: both or neither of names and filters are given, or a page size without filters.
            StoreUnavailable: the reads can't be recorded, so no value is given.
            ValidationError: a parameter is out of its limits.
        """
        _check(secret_ids, filters, cursor=cursor, max_results=max_results)
        call = Call(event="BatchGetSecretValue", caller=caller, request_id=request_id)
        look = (
            _named(call, secret_ids)
            if secret_ids
            else _listed(call, self._listing(call, filters or (), cursor), max_results)
        )
        done = _Done()
        for _ in range(MOST_LOOKS):
            looked_at, items, next_cursor = self._look(call, look, sleep=sleep)
            self._open_all(call, items, done, since=self._sealer.moment())
            if (
                done.opened == {} or self._clock() - looked_at <= FRESH
            ):  # what has no value is never too old
                return _answer(items, done, next_cursor)
        raise too_slow()

    def _listing(self, call: Call, filters: Sequence[Filter], cursor: str | None) -> SecretList:
        return SecretList.asked_for(
            call.event,
            caller=call.caller,
            where=SecretFilter(filters=tuple(filters)),
            cursor=cursor,
            cursors=self._cursors,
        )

    def _look(
        self, call: Call, look: _Look, *, sleep: Callable[[float], None]
    ) -> tuple[float, Sequence[_Item], str | None]:
        """When, and what there is as no barrier is raised; the engine, which raises them, doesn't wait."""
        waits = call.caller.kind is not CallerKind.SERVICE
        while True:
            looked_at = self._clock()
            with self._store.read() as tx:
                items, next_cursor = look(tx)
                barriers = (item.row.barrier for item in items if isinstance(item, _Found))
                raised = (barrier.remaining(tx.now) for barrier in barriers if barrier is not None)
                remaining = max(raised, default=0.0) if waits else 0.0
            if remaining <= 0:
                return looked_at, items, next_cursor
            sleep(min(POLL, remaining))

    def _open_all(self, call: Call, items: Sequence[_Item], done: _Done, *, since: int) -> None:
        """Opens what is not open yet, and commits the records of what is new together; `since` as `_open` has it."""
        entries: list[AuditEntry] = []
        accesses: list[Access] = []
        if not done.begun:
            entries.append(call.entry(None, detail={"secrets": len(items)}))
            done.begun = True
        for item in items:
            if isinstance(item, _Missed):
                named = item.call.secret_id
                if named not in done.missed:
                    done.missed.add(named)
                    entries.append(item.call.refusal(item.error))
            elif item.key not in done.opened:
                try:
                    done.opened[item.key] = self._open(
                        item.call, item.row, item.version, since=since
                    )
                except (DecryptionFailure, KeyUnavailable) as error:  # it has left its record
                    done.opened[item.key] = error
                else:
                    entries.append(
                        item.call.entry(item.row.arn, version_id=item.version.version_id)
                    )
                    accesses.append(access_to(item.row, item.version))
        if entries:
            self._store.record(*entries, accesses=accesses)


def _check(
    secret_ids: Sequence[str] | None,
    filters: Sequence[Filter] | None,
    *,
    cursor: str | None,
    max_results: int | None,
) -> None:
    limits.check("BatchGetSecretValue", SecretIdList=secret_ids, MaxResults=max_results)
    if max_results is not None and not filters:
        raise InvalidParameter(
            "'Filters' not specified. 'Filters' must also be specified when 'MaxResults' is provided."
        )
    if bool(secret_ids) == bool(filters):
        raise InvalidParameter("Either 'SecretIdList' or 'Filters' must be provided, but not both.")
    if secret_ids and cursor is not None:
        raise cursors.refused()


def _named(call: Call, secret_ids: Sequence[str]) -> _Look:
    account, region = call.caller.account, call.caller.region
    calls = [_read(call, named) for named in dict.fromkeys(secret_ids)]
    places = [_place(of_one) for of_one in calls]
    arns = [place.arn for place in places if isinstance(place, _Place) and place.arn]
    names = [place.name for place in places if isinstance(place, _Place) and place.name]

    def look(tx: Tx) -> tuple[Sequence[_Item], str | None]:
        if call.caller.kind is CallerKind.PRINCIPAL:
            call.permit(tx, account=account, region=region)
        by_arn = values.current_by_arn(tx, arns)
        by_name = values.current_by_name(tx, names, account=account, region=region)
        items = [
            _Missed(of_one, place)
            if isinstance(place, RotatorError)
            else _item(tx, of_one, by_arn.get(place.arn or "") or by_name.get(place.name or ""))
            for of_one, place in zip(calls, places, strict=True)
        ]
        return items, None

    return look


def _listed(call: Call, wanted: SecretList, max_results: int | None) -> _Look:
    most = max_results or limits.bounds("MaxResultsBatchType")[1]

    def look(tx: Tx) -> tuple[Sequence[_Item], str | None]:
        lists = replace(call, event="ListSecrets")
        lists.permit(tx, account=call.caller.account, region=call.caller.region)
        page = wanted.page(tx, call, limit=most)
        current = values.current_by_id(tx, [row.id for row in page.rows])
        items = [_item(tx, _read(call, row.arn), current.get(row.id)) for row in page.rows]
        return items, wanted.cursor(page.following)

    return look


def _read(call: Call, secret_id: str) -> Call:
    """The GetSecretValue of one secret of a batch."""
    return replace(call, event=_EVENT, secret_id=secret_id, asked=asked(VersionStage=CURRENT))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a secret is looked up: by its ARN, or by its name in the caller's account and region."""

    arn: str | None = None
    name: str | None = None


def _place(call: Call) -> _Place | RotatorError:
    home = {"account": call.caller.account, "region": call.caller.region}
    try:
        key, at = secrets.place(call.secret_id or "", **home)
    except RotatorError as error:
        return error
    if key == "arn":
        return _Place(arn=at["at_arn"])
    at_home = (at["at_account"], at["at_region"]) == (home["account"], home["region"])
    return _Place(name=at["at_name"]) if at_home else _Place()


def _item(tx: Tx, call: Call, found: ValueRow | None) -> _Item:
    try:
        row = call.admit(tx, found)
        return _Found(call, row, checked_version(row, version_id=None, stage=CURRENT))
    except RotatorError as error:
        return _Missed(call, error)


def _answer(items: Sequence[_Item], done: _Done, next_cursor: str | None) -> BatchValues:
    given: list[SecretValueResult] = []
    errors: list[ItemError] = []
    for item in items:
        outcome = item.error if isinstance(item, _Missed) else done.opened[item.key]
        if isinstance(item, _Found) and isinstance(outcome, SecretValue):
            given.append(_result(item, outcome))
        elif isinstance(outcome, RotatorError):
            named = item.call.secret_id or ""
            errors.append(ItemError(secret_id=named, code=outcome.code, message=str(outcome)))
    return BatchValues(values=tuple(given), errors=tuple(errors), next_cursor=next_cursor)


def _result(item: _Found, value: SecretValue) -> SecretValueResult:
    return SecretValueResult(
        arn=item.row.arn,
        name=item.row.name,
        version_id=item.version.version_id,
        value=value,
        stages=item.row.stages,
        created_at=item.version.created_at,
    )
