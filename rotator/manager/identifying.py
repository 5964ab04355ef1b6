"""What operations on principals and on their access keys share: one change at a time, authenticated as a whole."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rotator.errors import ResourceNotFound, ValidationError
from rotator.manager.call import Call
from rotator.manager.operations import Operations
from rotator.model.caller import Caller
from rotator.store import identities
from rotator.store.principal_rows import Identities, Kind, Principal
from rotator.store.store import Tx

_ACCOUNT = re.compile(r"[0-9]{12}")
# IAM's: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
_NAME = re.compile(r"[A-Za-z0-9_+=,.@-]{1,64}")

Change = Callable[[Tx, Identities], Mapping[str, Any]]
"""What is done to them as they are; gives what the audit record tells of it."""


@dataclass(frozen=True, slots=True)
class Named:
    """Which principal or group is meant."""

    account: str
    name: str
    kind: Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class PrincipalDescription:
    """A principal or group.

    Attributes:
        kind: `user` or `group`.
        groups: those that a user is in.
        policies: name → document, its own alone.
        access_keys: how many it has.
    """

    name: str
    kind: str
    account: str
    arn: str
    unique_id: str
    disabled: bool
    created_at: datetime
    groups: tuple[str, ...]
    policies: Mapping[str, str]
    access_keys: int


class Identifying(Operations):
    """How it is kept who there is. Everything here can be done by who holds the store, in any account."""

    def _change_identities(
        self, event: str, caller: Caller, request_id: str, change: Change, **asked: str
    ) -> Identities:
        """One change, with what it left behind in its record; gives what there is then."""
        call = Call(event=event, caller=caller, request_id=request_id)
        with self._store.write() as tx:
            call.permit(account=caller.account, region=caller.region)
            before = identities.begin_change(tx)
            detail = change(tx, before)
            after = identities.end_change(tx, before)
            call.record(tx, None, detail={**asked, **detail, "access": left(before, after)})
        return after

    def _known(
        self, event: str, caller: Caller, request_id: str, *, afresh: bool = False
    ) -> Identities:
        call = Call(event=event, caller=caller, request_id=request_id)
        with self._store.read() as tx:
            call.permit(account=caller.account, region=caller.region)
            if afresh:
                tx.memory.identities = None
            known = identities.load(tx)
            call.record(tx, None)
        return known

    def _alter(
        self,
        event: str,
        caller: Caller,
        request_id: str,
        named: Named,
        altered: Callable[[Identities, Principal], Mapping[str, Any]],
        **told: object,
    ) -> PrincipalDescription:
        """Writes those columns of one principal or group; its record has what is told beside it."""

        def change(tx: Tx, known: Identities) -> Mapping[str, Any]:
            found = find_principal(known, named)
            identities.write(tx, found, **altered(known, found))
            return told

        after = self._change_identities(event, caller, request_id, change, principal=named.name)
        return described(after, find_principal(after, named))


def left(before: Identities, after: Identities) -> Mapping[str, Any]:
    """What a change left, as its record has it: a code of all, and digests of the rows that it wrote."""
    was, became = identities.digests(before), identities.digests(after)
    names = sorted(name for name in was.keys() | became.keys() if was.get(name) != became.get(name))
    rows = {name: became.get(name) for name in names}
    return {"revision": after.revision, "mac": after.mac.hex(), "rows": rows}


def account_of(given: str | None, caller: Caller) -> str:
    """The account that is meant: the caller's own where none is given.

    Raises:
        ValidationError: it can't be one.
    """
    if given is None:
        return caller.account
    if _ACCOUNT.fullmatch(given) is None:
        raise ValidationError("An account has twelve digits.")
    return given


def find_principal(known: Identities, named: Named) -> Principal:
    """The principal or group of a name.

    Raises:
        ResourceNotFound: there is none.
    """
    found = known.find(account=named.account, name=named.name, kind=named.kind)
    if found is None:
        what, other = ("principal", Kind.GROUP) if named.kind is Kind.USER else ("group", Kind.USER)
        twin = known.find(account=named.account, name=named.name, kind=other)
        hint = f" There is a {other} of this name." if twin is not None else ""
        raise ResourceNotFound(
            f"There is no {what} {named.name} in account {named.account}.{hint} See them all: rotate principal list"
        )
    return found


def kind_of(*, group: bool) -> Kind:
    """What a row is."""
    return Kind.GROUP if group else Kind.USER


def checked_name(name: str) -> str:
    """The name of a principal, group or policy itself.

    Raises:
        ValidationError: it can't be one.
    """
    if _NAME.fullmatch(name) is None:
        raise ValidationError(
            "The names of principals, groups and policies have 1 to 64 letters, digits and characters of _+=,.@-"
        )
    return name


def described(known: Identities, found: Principal) -> PrincipalDescription:
    """All about a principal or group."""
    return PrincipalDescription(
        name=found.name,
        kind=found.kind,
        account=found.account,
        arn=found.arn,
        unique_id=found.unique_id,
        disabled=found.disabled,
        created_at=found.created_at,
        groups=found.groups,
        policies=found.policies,
        access_keys=len(known.keys_of(found)),
    )
