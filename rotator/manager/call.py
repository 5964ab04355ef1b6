"""One call of one operation: who calls, on what; what the caller may; the record that is left of it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rotator.errors import (
    AccessDenied,
    AuthenticationFailed,
    InvalidParameter,
    MarkedForDeletion,
    ResourceNotFound,
    RotatorError,
    StoreUnavailable,
)
from rotator.manager import following
from rotator.manager.asked import About, Asked
from rotator.model.caller import Caller, CallerKind, RotationRun
from rotator.model.labels import CURRENT
from rotator.model.names import parse_secret_id
from rotator.model.replication import REPLICA_REFUSED
from rotator.store import changes, replicas, secrets, values, waking
from rotator.store.audit import Outcome
from rotator.store.notes import AuditEntry
from rotator.store.secrets import Found, SecretRow
from rotator.store.store import Store, Tx
from rotator.store.values import ValueRow

if TYPE_CHECKING:
    from rotator.access.decision import Decision

# They hold the store and its key, or act for someone who did; a kind that isn't here may nothing.
_ALLOWED_KINDS = frozenset({CallerKind.LOCAL, CallerKind.SERVICE})
# They may what policies say.
_JUDGED_KINDS = frozenset({CallerKind.PRINCIPAL})
_OF_ADMIN = frozenset({"GetSecretValue", "DescribeSecret"})
# What a rotation function may do to the secret of its run.
_OF_RUN = _OF_ADMIN | {"PutSecretValue", "UpdateSecretVersionStage", "ListSecretVersionIds"}
_NAMED_BY = "secretsmanager:secretid"
# Of the audit's columns; what was made up may be longer.
_LONGEST_ARN = 640
_LONGEST_VERSION_ID = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call.

    Attributes:
        event: the operation's name in the API.
        secret_id: as it was given; None where the operation is not on one secret.
        asked: what policies may ask about its other parameters.
        decisions: what policies said of it so far.
    """

    event: str
    caller: Caller
    request_id: str
    secret_id: str | None = None
    asked: Asked = field(default_factory=dict)
    decisions: "list[Decision]" = field(default_factory=list, init=False)

    @contextmanager
    def watched(self, store: Store) -> Iterator[None]:
        """An error of ours that leaves the block leaves a record, as `ended_with` does."""
        try:
            yield
        except RotatorError as error:
            self.ended_with(error, store)
            raise

    def find(self, tx: Tx, *, for_update: bool = False) -> SecretRow:
        """The secret of the call, which the caller may act on.

        Raises:
            AccessDenied: it is in another account or region, whether it exists or not.
            InvalidParameter: it is a replica, and was to be changed.
            ResourceNotFound: there is no such secret.
            RowAltered: what was found is another secret's row.
            ValidationError: its name is malformed.
        """
        try:
            secret = secrets.find(
                tx,
                account=self.caller.account,
                region=self.caller.region,
                secret_id=self.secret_id or "",
                for_update=for_update,
            )
        except ResourceNotFound:
            self._deny_missing(tx)
            raise
        self._permit_secret(tx, secret)
        if for_update and secret.primary_region is not None:
            raise InvalidParameter(REPLICA_REFUSED)
        return secret

    def find_usable(self, tx: Tx, *, for_update: bool = False) -> SecretRow:
        """The secret of the call, which is not marked for deletion.

        Raises:
            AccessDenied, ResourceNotFound, ValidationError: as `find` does.
            InvalidRequest: it is marked for deletion.
        """
        secret = self.find(tx, for_update=for_update)
        _refuse_deleted(secret.deleted_at)
        return secret

    def glimpse_usable(self, tx: Tx) -> Found:
        """The little of the secret of the call that its values are sealed with; errors as `find_usable` has them."""
        try:
            found = secrets.glimpse(
                tx,
                account=self.caller.account,
                region=self.caller.region,
                secret_id=self.secret_id or "",
            )
        except ResourceNotFound:
            self._deny_missing(tx)
            raise
        self._permit_secret(tx, found)
        _refuse_deleted(found.deleted_at)
        return found

    def find_value(self, tx: Tx, *, version_id: str | None, stage: str | None) -> ValueRow:
        """A version of the secret of the call; the secret is not marked for deletion.

        Args:
            stage: the label to look at where no version is named.

        Raises:
            AccessDenied, InvalidRequest, ResourceNotFound, ValidationError: as `find_usable` does.
        """
        try:
            found = values.find(
                tx,
                account=self.caller.account,
                region=self.caller.region,
                secret_id=self.secret_id or "",
                version_id=version_id,
                stage=stage or CURRENT,
            )
        except ResourceNotFound:
            self._deny_missing(tx)
            raise
        return self.admit(tx, found)

    def admit(self, tx: Tx, found: ValueRow | None) -> ValueRow:
        """What was looked up for the call, which the caller may have; None where nothing was found.

        Raises:
            AccessDenied, InvalidRequest, ResourceNotFound, RowAltered: as `find_usable` does.
        """
        if found is None:
            self._deny_missing(tx)
            raise ResourceNotFound("Secrets Manager can't find the specified secret.")
        secrets.in_its_place(found)
        if found.is_replica:
            replicas.follows(found, found.origin)
        self._permit_secret(tx, found)
        _refuse_deleted(found.deleted_at)
        return found

    def _permit_secret(self, tx: Tx, found: SecretRow | Found | ValueRow) -> None:
        about = About(
            arn=found.arn,
            account=found.account,
            row=found.id,
            governed_by=found.governed_by if isinstance(found, ValueRow) else None,
        )
        self._permit(tx, account=found.account, region=found.region, about=about)

    def _deny_missing(self, tx: Tx) -> None:
        """Denies what the caller may not know of before anything says that it doesn't exist."""
        ref = parse_secret_id(self.secret_id or "")
        account, region = ref.account or self.caller.account, ref.region or self.caller.region
        if self.caller.kind in _JUDGED_KINDS:
            name = f"arn:aws:secretsmanager:{region}:{account}:secret:{ref.name}"
            about = About(arn=ref.arn or name, account=account)
            self._permit(tx, account=account, region=region, about=about)
        elif ref.account is not None:
            self._permit(tx, account=account, region=region)

    def permit(
        self, tx: Tx | None = None, *, account: str, region: str, arn: str | None = None
    ) -> None:
        """Nothing, where the caller may do this there.

        Args:
            tx: None for what no principal may, whatever its policies say.
            arn: of a secret that is about to be made.

        Raises:
            AccessDenied: it may not.
            UnrecognizedClient: it was let in, and would not be any more.
        """
        self._permit(
            tx, account=account, region=region, about=About(arn=arn or "*", account=account)
        )

    def _permit(
        self, tx: Tx | None, *, account: str, region: str, about: About | None = None
    ) -> None:
        here = region == self.caller.region
        if tx is not None and about is not None and here and self.caller.kind in _JUDGED_KINDS:
            self._judge(tx, about)
            return
        at_home = account == self.caller.account and region == self.caller.region
        arn = None if about is None or about.row is None else about.arn
        if self.caller.run is not None and at_home and self._is_of_run(self.caller.run, arn):
            if tx is not None:
                from rotator.manager import function_runs  # few callers are functions

                function_runs.refuse_over(tx, self.caller.run)
            return
        if self.caller.kind not in _ALLOWED_KINDS or not at_home:
            raise AccessDenied(
                f"User: {self.caller.arn or self.caller.principal} is not authorized to perform: "
                f"secretsmanager:{self.event} on resource: {self.secret_id or '*'}. "
                f"It acts in account {self.caller.account} and region {self.caller.region} only."
            )

    def _judge(self, tx: Tx, about: About) -> None:
        ids = {} if self.secret_id is None else {_NAMED_BY: sorted({self.secret_id, about.arn})}
        # Imported here: whoever holds the store is not judged.
        from rotator.manager import judgement

        decision = judgement.judge(
            tx, caller=self.caller, event=self.event, about=about, asked={**self.asked, **ids}
        )
        if not decision.allowed:
            raise judgement.denied(
                self.caller, event=self.event, named=self.secret_id or "*", decision=decision
            )
        self.decisions.append(decision)

    def _is_of_run(self, run: RotationRun, arn: str | None) -> bool:
        """Whether this is what the function of a rotation has to do."""
        if arn is None:
            return self.event == "GetRandomPassword"
        if arn == run.secret_arn:
            return self.event in _OF_RUN
        return arn == run.admin_arn and self.event in _OF_ADMIN

    def record(
        self,
        tx: Tx,
        secret_arn: str | None,
        *,
        version_id: str | None = None,
        event: str | None = None,
        detail: Mapping[str, Any] | None = None,
        revision: int | None = None,
    ) -> None:
        """Leaves the audit record of what was done, or of an `event` that followed from it."""
        tx.record(
            self.entry(
                secret_arn, version_id=version_id, event=event, detail=detail, revision=revision
            )
        )

    def change(
        self,
        tx: Tx,
        secret: SecretRow,
        columns: Mapping[str, object],
        *,
        version_id: str | None = None,
        detail: Mapping[str, Any] | None = None,
        **left: Any,
    ) -> None:
        """Writes columns of a secret as its next revision, and leaves the record of what was changed.

        Args:
            secret: its row, locked by this transaction.
            left: what else was changed, in the words of `changes.left`.
        """
        revision = secret.revision + 1
        secrets.update(tx, secret.id, **columns, revision=revision)
        if secret.replicas:
            following.follow(
                tx,
                self.entry,
                secret,
                columns,
                tags=left.get("tags"),
                untagged=left.get("untagged", ()),
            )
        if _is_sooner(columns.get("due_at"), than=secret.due_at):
            waking.wake(tx)
        self.record(
            tx,
            secret.arn,
            version_id=version_id,
            detail={**(detail or {}), "left": changes.left(columns, **left)},
            revision=revision,
        )

    def entry(
        self,
        secret_arn: str | None,
        *,
        version_id: str | None = None,
        event: str | None = None,
        outcome: Outcome = Outcome.SUCCEEDED,
        detail: Mapping[str, Any] | None = None,
        revision: int | None = None,
    ) -> AuditEntry:
        """The record itself, to be kept; `revision` where it is of a change of the secret."""
        return AuditEntry(
            request_id=self.request_id,
            account=self.caller.account,
            region=self.caller.region,
            principal=self.caller.principal,
            event=event or self.event,
            secret_arn=secret_arn,
            version_id=version_id,
            outcome=str(outcome),
            detail=self._told(detail),
            revision=revision,
        )

    def _told(self, detail: Mapping[str, Any] | None) -> dict[str, Any] | None:
        """What a record tells beside its columns; of callers from elsewhere also from where, and by what right."""
        if self.caller.kind in _ALLOWED_KINDS:
            return None if detail is None else dict(detail)
        said: dict[str, Any] = {"from": self.caller.context.told, **(detail or {})}
        if self.decisions:
            said["allowed_by"] = self.decisions[-1].statement
        return said

    def ended_with(
        self,
        error: RotatorError,
        store: Store,
        *,
        secret_arn: str | None = None,
        version_id: str | None = None,
        asked: Mapping[str, str] | None = None,
    ) -> None:
        """Commits the record that the call ended with an error, where there is none yet.

        A store that isn't available takes no record: nothing was read there.

        Args:
            secret_arn: the secret, where it was found; else the identifier is recorded as it was given.
            version_id: the version that was asked for.
            asked: what else was asked for.
        """
        if error.recorded or isinstance(error, StoreUnavailable):
            return
        store.record(self.refusal(error, secret_arn=secret_arn, version_id=version_id, asked=asked))
        error.recorded = True

    def nothing_done(self, detail: Mapping[str, Any]) -> AuditEntry:
        """The record that there was nothing to do, on the secret as it was named."""
        return self.entry(
            _kept(self.secret_id, _LONGEST_ARN), detail={**detail, "nothing_to_do": True}
        )

    def refusal(
        self,
        error: RotatorError,
        *,
        secret_arn: str | None = None,
        version_id: str | None = None,
        asked: Mapping[str, str] | None = None,
    ) -> AuditEntry:
        """The record that the call, or what it asked of one secret, ended with an error."""
        return self.entry(
            _kept(secret_arn or self.secret_id, _LONGEST_ARN),
            version_id=_kept(version_id, _LONGEST_VERSION_ID),
            outcome=Outcome.DENIED
            if isinstance(error, AccessDenied | AuthenticationFailed)
            else Outcome.FAILED,
            detail={"error": type(error).__name__}
            | _why(error)
            | {what: _kept(given, _LONGEST_ARN) for what, given in (asked or {}).items()},
        )


def _kept(given: str | None, longest: int) -> str | None:
    """What a caller gave, as a column can hold it: it may be anything, and was refused perhaps for that."""
    if given is None:
        return None
    text = given.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")
    return text[:longest]


def _why(error: RotatorError) -> dict[str, str]:
    if not isinstance(error, AccessDenied):
        return {}
    said = {"why": error.why, "statement": error.statement}
    return {name: text for name, text in said.items() if text is not None}


def _is_sooner(due_at: object, *, than: datetime | None) -> bool:
    return isinstance(due_at, datetime) and (than is None or due_at < than)


def _refuse_deleted(deleted_at: datetime | None) -> None:
    if deleted_at is not None:
        raise MarkedForDeletion(
            "You can't perform this operation on the secret because it was marked for deletion."
        )
