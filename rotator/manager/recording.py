"""The records that a call leaves in the audit: of what was done, what was changed, what it ended with."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rotator.errors import AccessDenied, AuthenticationFailed, RotatorError, StoreUnavailable
from rotator.manager import following
from rotator.model.caller import Caller, CallerKind
from rotator.store import changes, secrets, waking
from rotator.store.audit import Outcome
from rotator.store.notes import AuditEntry
from rotator.store.secrets import SecretRow
from rotator.store.store import Store, Tx

if TYPE_CHECKING:
    from rotator.access.decision import Decision

HOLDERS = frozenset({CallerKind.LOCAL, CallerKind.SERVICE})
"""They hold the store and its key, or act for someone who did."""

# Of the audit's columns; what was made up may be longer.
_LONGEST_ARN = 640
_LONGEST_VERSION_ID = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One call, as the audit tells of it.

    Attributes:
        event: the operation's name in the API.
        secret_id: as it was given; None where the operation is not on one secret.
        decisions: what policies said of it so far.
    """

    event: str
    caller: Caller
    request_id: str
    secret_id: str | None = None
    decisions: "list[Decision]" = field(default_factory=list, init=False)

    @contextmanager
    def watched(self, store: Store) -> Iterator[None]:
        """An error of ours that leaves the block leaves a record, as `ended_with` does."""
        try:
            yield
        except RotatorError as error:
            self.ended_with(error, store)
            raise

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
        if self.caller.kind in HOLDERS:
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
