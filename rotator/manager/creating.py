"""CreateSecret."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.exc import IntegrityError

from rotator.crypto.envelope import SealContext
from rotator.errors import InvalidRequest, ResourceExists, ResourceNotFound
from rotator.manager import limits
from rotator.manager.asked import asked, asked_key, asked_tags
from rotator.manager.call import Call
from rotator.manager.checks import check_tags, checked_key, checked_token, checked_value
from rotator.manager.operations import Operations
from rotator.manager.refusals import audited
from rotator.manager.replica_regions import asked_regions, checked_regions, closed_keys
from rotator.manager.replica_rows import replicate
from rotator.manager.replicating import described
from rotator.manager.results import ReplicaDescription, StoredVersion
from rotator.model.caller import Caller
from rotator.model.labels import CURRENT, Labels
from rotator.model.names import check_name, secret_arn
from rotator.model.replication import ReplicaRegion
from rotator.sdk import SecretValue
from rotator.store import creation, replicas, secrets, versions
from rotator.store.creation import NewSecret
from rotator.store.secrets import SecretRow
from rotator.store.store import Tx
from rotator.store.versions import VersionRow


@dataclass(frozen=True, slots=True, kw_only=True)
class _NewSecret:
    name: str
    token: str
    value: SecretValue | None
    description: str | None
    kms_key_id: str | None
    tags: Mapping[str, str]
    regions: Sequence[ReplicaRegion]
    force_overwrite: bool


class Creating(Operations):
    """How a secret comes."""

    @audited("CreateSecret")
    def create_secret(
        self,
        *,
        caller: Caller,
        request_id: str,
        name: str,
        value: SecretValue | None = None,
        client_request_token: str | None = None,
        description: str | None = None,
        kms_key_id: str | None = None,
        tags: Mapping[str, str] | None = None,
        add_replica_regions: Sequence[ReplicaRegion] | None = None,
        force_overwrite: bool = False,
    ) -> StoredVersion:
        """Makes a secret, with a first version labelled AWSCURRENT where a value is given.

        Args:
            add_replica_regions: where it is replicated to, as ReplicateSecretToRegions has it.
            force_overwrite: likewise.

        Raises:
            InvalidParameter, ValidationError: a parameter is out of its limits.
            ResourceExists: the name is in use, or the token is, with another value.
            InvalidRequest: a secret of this name is scheduled for deletion.
        """
        check_name(name)
        token = checked_token(client_request_token) or self._new_token()
        limits.check("CreateSecret", Description=description, KmsKeyId=kms_key_id)
        key = checked_key(self._sealer.provider, kms_key_id)
        check_tags(tags or {})
        if add_replica_regions is not None:
            checked_regions(
                "CreateSecret", add_replica_regions, own=caller.region, served=self._regions
            )
        if value is not None:
            checked_value(value)
        call = Call(
            event="CreateSecret",
            caller=caller,
            request_id=request_id,
            secret_id=name,
            asked=asked(
                Name=name,
                Description=description,
            )
            | asked_key(self._sealer.provider, kms_key_id, caller)
            | asked_regions(add_replica_regions, force=force_overwrite)
            | (asked_tags(tags) if tags else {}),
        )
        new = _NewSecret(
            name=name,
            token=token,
            value=value,
            description=description or None,
            kms_key_id=key,
            tags=tags or {},
            regions=add_replica_regions or (),
            force_overwrite=force_overwrite,
        )
        try:
            made = self._create(call, new)
        except IntegrityError:
            # Another process made a secret of this name after we looked for one: now we find it.
            made = self._create(call, new)
        if isinstance(made, StoredVersion):
            return made
        return self._repeat_create(call, new, *made)

    def _create(
        self, call: Call, new: _NewSecret
    ) -> StoredVersion | tuple[SecretRow, VersionRow | None]:
        """What was made, or the secret that has the name, with its version of the same token."""
        caller = call.caller
        arn = secret_arn(
            region=caller.region,
            account=caller.account,
            name=new.name,
            suffix=self._random_suffix(),
        )
        context = SealContext(
            account=caller.account, region=caller.region, secret_arn=arn, version_id=new.token
        )
        sealed = (
            None
            if new.value is None
            else self._sealer.seal(new.value, context=context, key=new.kms_key_id)
        )
        closed = closed_keys(self._sealer.provider, new.regions)
        with self._store.write() as tx:
            account, region = caller.account, caller.region
            call.permit(tx, account=account, region=region, arn=arn)
            for event, too in (
                ("TagResource", new.tags),
                ("ReplicateSecretToRegions", new.regions),
            ):
                if too:
                    replace(call, event=event).permit(tx, account=account, region=region, arn=arn)
            try:
                # Not as `Call.find`: what policies say was asked of the ARN that it would get.
                secret = secrets.find(tx, account=account, region=region, secret_id=new.name)
            except ResourceNotFound:
                pass
            else:
                return secret, versions.get(tx, secret_id=secret.id, version_id=new.token)
            made = NewSecret(
                account=caller.account,
                region=caller.region,
                name=new.name,
                arn=arn,
                description=new.description,
                kms_key_id=new.kms_key_id,
                tags=new.tags,
                versions={} if sealed is None else {new.token: sealed},
                labels=Labels() if sealed is None else Labels().first(new.token),
            )
            creation.add(tx, [made])
            version_id = None if sealed is None else new.token
            left = {"left": creation.left(tx, made)}
            call.record(tx, arn, version_id=version_id, detail=left, revision=creation.REVISION)
            replication = _replicate_new(tx, call, new, closed=closed)
        return StoredVersion(
            arn=arn,
            name=new.name,
            version_id=version_id,
            stages=() if version_id is None else (CURRENT,),
            replication=replication,
        )

    def _repeat_create(
        self, call: Call, new: _NewSecret, secret: SecretRow, version: VersionRow | None
    ) -> StoredVersion:
        """The answer to a creation that was answered before: the same, where it is the same."""
        if secret.deleted_at is not None:
            raise InvalidRequest(
                "You can't create this secret because a secret with this name is already scheduled "
                "for deletion."
            )
        if new.value is None or version is None or version.sealed is None:
            raise ResourceExists(
                f"The operation failed because the secret {new.name} already exists."
            )
        self._refuse_other_content(call, secret, version, new.value)
        return self._repeated(call, secret, new.token)


def _replicate_new(
    tx: Tx, call: Call, new: _NewSecret, *, closed: Mapping[str, str]
) -> tuple[ReplicaDescription, ...]:
    if not new.regions:
        return ()
    replicas.lock(tx)
    secret = call.find(tx, for_update=True)
    kept = replicate(tx, call, secret, new.regions, closed=closed, force=new.force_overwrite)
    return described(secret._replace(replicas=kept), {})
