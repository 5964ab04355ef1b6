"""One call of one operation: who calls, on what; what the caller may. The records of it are `recording`'s."""

from dataclasses import dataclass, field
from datetime import datetime

from rotator.errors import (
    AccessDenied,
    InvalidParameter,
    MarkedForDeletion,
    ResourceNotFound,
)
from rotator.manager.asked import About, Asked
from rotator.manager.recording import HOLDERS, Recording
from rotator.model.caller import CallerKind, RotationRun
from rotator.model.labels import CURRENT
from rotator.model.names import parse_secret_id
from rotator.model.replication import REPLICA_REFUSED
from rotator.store import replicas, secrets, values
from rotator.store.secrets import Found, SecretRow
from rotator.store.store import Tx
from rotator.store.values import ValueRow

# They may what policies say. A kind that is neither this nor among the holders may nothing.
_JUDGED_KINDS = frozenset({CallerKind.PRINCIPAL})
_OF_ADMIN = frozenset({"GetSecretValue", "DescribeSecret"})
# What a rotation function may do to the secret of its run.
_OF_RUN = _OF_ADMIN | {"PutSecretValue", "UpdateSecretVersionStage", "ListSecretVersionIds"}
_NAMED_BY = "secretsmanager:secretid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Recording):
    """One call.

    Attributes:
        asked: what policies may ask about its other parameters.
    """

    asked: Asked = field(default_factory=dict)

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
        if self.caller.kind not in HOLDERS or not at_home:
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


def _refuse_deleted(deleted_at: datetime | None) -> None:
    if deleted_at is not None:
        raise MarkedForDeletion(
            "You can't perform this operation on the secret because it was marked for deletion."
        )
