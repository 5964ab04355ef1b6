"""Rows of principals and access keys that are not as they were written: what they say, and how they count again."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from rotator.errors import InvalidRequest, ResourceNotFound, RowAltered
from rotator.manager.call import Call
from rotator.manager.identifying import Identifying
from rotator.manager.refusals import audited
from rotator.model.caller import Caller
from rotator.store import access_key_rows, identities, identity_review
from rotator.store.identity_review import Recorded, Standing
from rotator.store.principal_rows import Identities
from rotator.store.tx import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewedRow:
    """One row as it stands now.

    Attributes:
        name: the ARN of a principal or group, or the id of an access key.
        kind: `user`, `group`, `access key`; empty where there is none any more.
        says: what it says: column → value.
    """

    name: str
    kind: str
    standing: Standing
    says: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """All rows as they stand.

    Attributes:
        right: they are as rotator wrote them last, so nothing is to be repaired.
        code: of exactly these rows; a repair has to bring it.
    """

    right: bool
    code: str
    rows: tuple[ReviewedRow, ...]


class Repairing(Identifying):
    """How principals are let in again after somebody altered their rows: a person has to see first what they say."""

    @audited("ReviewPrincipals")
    def review_principals(self, *, caller: Caller, request_id: str) -> Review:
        """What all rows say now, and which of them the records of their changes do not account for.

        Raises:
            RowAltered: they can't even be read.
        """
        call = Call(event="ReviewPrincipals", caller=caller, request_id=request_id)
        with self._store.read() as tx:
            call.permit(account=caller.account, region=caller.region)
            found = identities.as_they_stand(tx)
            review = _review(tx, found, identity_review.recorded(tx))
            call.record(tx, None, detail={"right": review.right, "code": review.code})
        return review

    @audited("RepairPrincipals")
    def repair_principals(
        self, *, caller: Caller, request_id: str, code: str, without: Collection[str] = ()
    ) -> Review:
        """Has the rows count again as a review has shown them; gives what there is then.

        Args:
            code: of that review.
            without: ARNs and access key ids whose rows are removed before.

        Raises:
            InvalidRequest: nothing is wrong with them, or they are not those of the code any more.
            ResourceNotFound: one of `without` isn't there.
            RowAltered: they can't even be read.
        """
        call = Call(event="RepairPrincipals", caller=caller, request_id=request_id)
        with self._store.write() as tx:
            call.permit(account=caller.account, region=caller.region)
            before = identities.as_they_stand(tx, for_update=True)
            said = identity_review.recorded(tx)
            review = _review(tx, before, said)
            if review.right:
                raise InvalidRequest(
                    "The rows are as they were written: nothing is to be repaired."
                )
            if review.code != code:
                raise InvalidRequest(
                    "The rows are not those that this code was shown with, so nothing was changed. Look at them as "
                    "they are now: rotate principal review"
                )
            _remove(tx, before, without)
            revision = (said.revision or before.revision) + 1
            after = identities.authenticate_as_they_stand(tx, revision=revision)
            unaccounted = {
                row.name: str(row.standing)
                for row in review.rows
                if row.standing is not Standing.AS_RECORDED
            }
            detail = {"code": code, "accepted": unaccounted, "without": sorted(without)}
            accounted = _accounted(after, said)
            whole = {
                "revision": accounted.revision,
                "mac": accounted.mac,
                "rows": accounted.rows,
            }
            call.record(tx, None, detail={**detail, "access": whole})
            return _review(tx, after, accounted)


def _accounted(after: Identities, said: Recorded) -> Recorded:
    """What a repair left, as its record has it: every row there is, and those that are gone."""
    return replace(
        said,
        revision=after.revision,
        mac=after.mac.hex(),
        rows={**dict.fromkeys(said.rows), **identities.digests(after)},
    )


def _remove(tx: Tx, found: Identities, without: Collection[str]) -> None:
    people = {each.arn: each for each in found.principals.values()}
    for name in without:
        if name in people:
            identities.remove(tx, people[name])
        elif name in found.keys:
            access_key_rows.remove_key(tx, name)
        else:
            raise ResourceNotFound(
                f"There is no row of {name}. Name an ARN or access key id as rotate principal review shows it."
            )


def _review(tx: Tx, found: Identities, said: Recorded) -> Review:
    standings = identity_review.standings(found, said)
    rows = {row.name: row for row in _rows(found, standings)}
    gone = [
        ReviewedRow(name=name, kind="", standing=standing, says={})
        for name, standing in sorted(standings.items())
        if name not in rows
    ]
    return Review(
        right=_is_right(tx, found, said),
        code=identities.shown_code(tx, found),
        rows=(*rows.values(), *gone),
    )


def _is_right(tx: Tx, found: Identities, said: Recorded) -> bool:
    tx.memory.identities = None  # the rows, not what was kept of them
    try:
        identities.load(tx)
    except RowAltered:
        return False
    return not said.revision or (said.revision, said.mac) == (found.revision, found.mac.hex())


def _rows(found: Identities, standings: Mapping[str, Standing]) -> Iterator[ReviewedRow]:
    arns = {each.id: each.arn for each in found.principals.values()}
    people = sorted(
        found.principals.values(), key=lambda each: (each.account, each.kind, each.name)
    )
    for each in people:
        says = {
            "disabled": each.disabled,
            "created_at": each.created_at,
            "groups": each.groups,
            "policies": each.policies,
        }
        yield ReviewedRow(name=each.arn, kind=each.kind, standing=standings[each.arn], says=says)
    for key in sorted(found.keys.values(), key=lambda key: key.access_key_id):
        of = {
            "principal": arns.get(key.principal_id, ""),
            "disabled": key.disabled,
            "created_at": key.created_at,
        }
        yield ReviewedRow(
            name=key.access_key_id,
            kind="access key",
            standing=standings[key.access_key_id],
            says=of,
        )
