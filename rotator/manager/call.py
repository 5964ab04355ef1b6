"""One call of one operation: who calls, on what; what the caller may; the record that is left of it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rotator.errors import AccessDenied, InvalidRequest, ResourceNotFound
from rotator.model.caller import Caller, CallerKind
from rotator.model.names import parse_secret_id
from rotator.store import audit, secrets
from rotator.store.audit import Outcome
from rotator.store.secrets import SecretRow
from rotator.store.store import Store, Tx

# They hold the store and its key, or act for someone who did; a kind that isn't here may nothing.
_ALLOWED_KINDS = frozenset({CallerKind.LOCAL, CallerKind.SERVICE})
_LONGEST_ARN = 640  # of the audit column; an ARN that was made up may be longer


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call.

    Attributes:
        event: the operation's name in the API.
        secret_id: as it was given; None where the operation is not on one secret.
    """

    event: str
    caller: Caller
    request_id: str
    secret_id: str | None = None

    @contextmanager
    def write(self, store: Store) -> Iterator[Tx]:
        """A write transaction; a refusal of the caller leaves a record of its own."""
        try:
            with store.write() as tx:
                yield tx
        except AccessDenied:
            self._record_refusal(store)
            raise

    @contextmanager
    def read(self, store: Store) -> Iterator[Tx]:
        """A transaction that looks before the writing one; a refusal of the caller leaves a record all the same."""
        try:
            with store.read() as tx:
                yield tx
        except AccessDenied:
            self._record_refusal(store)
            raise

    def find(self, tx: Tx, *, for_update: bool = False) -> SecretRow:
        """The secret of the call, which the caller may act on.

        Raises:
            AccessDenied: it is in another account or region, whether it exists or not.
            ResourceNotFound: there is no such secret.
            ValidationError: its name is malformed.
        """
        secret_id = self.secret_id or ""
        try:
            secret = secrets.find(
                tx,
                account=self.caller.account,
                region=self.caller.region,
                secret_id=secret_id,
                for_update=for_update,
            )
        except ResourceNotFound:
            ref = parse_secret_id(secret_id)
            if ref.account is not None:
                self.permit(account=ref.account, region=ref.region)
            raise
        self.permit(account=secret.account, region=secret.region)
        return secret

    def find_usable(self, tx: Tx, *, for_update: bool = False) -> SecretRow:
        """The secret of the call, which is not marked for deletion.

        Raises:
            AccessDenied, ResourceNotFound, ValidationError: as `find` does.
            InvalidRequest: it is marked for deletion.
        """
        secret = self.find(tx, for_update=for_update)
        if secret.deleted_at is not None:
            raise InvalidRequest(
                "You can't perform this operation on the secret because it was marked for deletion."
            )
        return secret

    def permit(self, *, account: str | None, region: str | None) -> None:
        """Nothing, where the caller may do this there.

        Raises:
            AccessDenied: it may not.
        """
        at_home = account == self.caller.account and region == self.caller.region
        if self.caller.kind not in _ALLOWED_KINDS or not at_home:
            raise AccessDenied(
                f"User: {self.caller.principal} is not authorized to perform: "
                f"secretsmanager:{self.event} on resource: {self.secret_id or '*'}. "
                f"It acts in account {self.caller.account} and region {self.caller.region} only."
            )

    def record(
        self,
        tx: Tx,
        secret_arn: str | None,
        *,
        version_id: str | None = None,
        event: str | None = None,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """Leaves the audit record of what was done, or of an `event` that followed from it."""
        audit.record(
            tx,
            caller=self.caller,
            request_id=self.request_id,
            event=event or self.event,
            secret_arn=secret_arn,
            version_id=version_id,
            outcome=Outcome.SUCCEEDED,
            detail=detail,
        )

    def record_failure(
        self, store: Store, secret_arn: str | None, *, version_id: str | None, outcome: Outcome
    ) -> None:
        """Leaves the audit record of what was not done, in a transaction of its own."""
        with store.write() as tx:
            audit.record(
                tx,
                caller=self.caller,
                request_id=self.request_id,
                event=self.event,
                secret_arn=secret_arn,
                version_id=version_id,
                outcome=outcome,
            )

    def _record_refusal(self, store: Store) -> None:
        named = None if self.secret_id is None else self.secret_id[:_LONGEST_ARN]
        self.record_failure(store, named, version_id=None, outcome=Outcome.DENIED)
