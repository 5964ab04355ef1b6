"""PutSecretValue and UpdateSecret: new values, and what is said about a secret."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rotator.crypto.envelope import Sealed
from rotator.errors import DecryptionFailure, KeyUnavailable
from rotator.manager import limits
from rotator.manager.abandon import abandon_rotation
from rotator.manager.asked import asked, asked_key
from rotator.manager.call import Call
from rotator.manager.checks import checked_key, checked_token, checked_value
from rotator.manager.function_runs import owns, refuse_foreign_put, refuse_late
from rotator.manager.next_due import Planner, rules_of
from rotator.manager.operations import Operations, seal_context
from rotator.manager.refusals import audited
from rotator.manager.replica_rows import rekeyed
from rotator.manager.resealing import Resealing, reseal
from rotator.manager.results import StoredVersion
from rotator.model.caller import Caller
from rotator.model.labels import CURRENT, PENDING, Labels
from rotator.schedule import Rate
from rotator.sdk import SecretValue
from rotator.store import labels, old_versions, rewrap, rotations, versions
from rotator.store.rotation_row import RotationRow
from rotator.store.secrets import Found, SecretRow
from rotator.store.store import Tx
from rotator.store.versions import VersionRow


@dataclass(frozen=True, slots=True, kw_only=True)
class _NewValue:
    """A value on its way into a secret.

    Attributes:
        fresh: the token was made for this call, so that no version has it.
        stages: the labels that it shall get; None for AWSCURRENT.
        columns: what else changes in the secret's row.
        reason: why a rotation under way is abandoned.
        rotation_token: the run of a rotation that stores it, where one was named.
    """

    token: str
    value: SecretValue
    fresh: bool
    stages: Sequence[str] | None = None
    columns: Mapping[str, str | None] = field(default_factory=dict)
    reason: str
    rotation_token: str | None = None


class Writing(Operations):
    """How values are stored."""

    @audited("PutSecretValue")
    def put_secret_value(
        self,
        *,
        caller: Caller,
        request_id: str,
        secret_id: str,
        value: SecretValue | None,
        client_request_token: str | None = None,
        version_stages: Sequence[str] | None = None,
        rotation_token: str | None = None,
    ) -> StoredVersion:
        """Stores a value as a new version, or as the value of the version that a rotation has prepared.

        The version gets AWSCURRENT where no stages are named or the secret has no value yet. With the token of the
        rotation under way and AWSPENDING alone it is that rotation's own; any other abandons it and takes AWSPENDING
        off. A value put by hand counts as a rotation where the schedule is a rate.

        Args:
            rotation_token: of the invocation of a rotation function.

        Raises:
            InvalidParameter, ValidationError: a parameter is out of its limits.
            InvalidRequest: there is no value, or the secret is marked for deletion; or a rotation function stores it
                that is late, or would store another version's.
            LimitExceeded: there would be more than 20 labels.
            ResourceExists: the token is in use for a version with another value.
            ResourceNotFound: no such secret.
        """
        token = checked_token(client_request_token)
        new = _NewValue(
            token=token or self._new_token(),
            value=checked_value(value),
            fresh=token is None,
            stages=version_stages,
            reason="a value was put from outside",
            rotation_token=rotation_token,
        )
        limits.check("PutSecretValue", VersionStages=version_stages, RotationToken=rotation_token)
        call = Call(
            event="PutSecretValue", caller=caller, request_id=request_id, secret_id=secret_id
        )
        return self._write_value(call, new)

    @audited("UpdateSecret")
    def update_secret(
        self,
        *,
        caller: Caller,
        request_id: str,
        secret_id: str,
        value: SecretValue | None = None,
        client_request_token: str | None = None,
        description: str | None = None,
        kms_key_id: str | None = None,
    ) -> StoredVersion:
        """Changes what is said about a secret; a value becomes a new version with AWSCURRENT, whatever it is.

        A rotation under way is abandoned by a value, and by nothing else.

        Args:
            client_request_token: of the value; without one it says nothing.
            description: an empty one takes it away; None leaves it.
            kms_key_id: an empty one is the default key; None leaves it. Versions labelled AWSCURRENT, AWSPENDING or
                AWSPREVIOUS are sealed under the new key in the same transaction, without being opened. It is all that
                can be changed of a replica.

        Returns:
            Without a version id where no value was given.

        Raises:
            InvalidParameter, ValidationError: a parameter is out of its limits.
            InvalidRequest: the value is empty, or the secret is marked for deletion.
            LimitExceeded: there would be more than 20 labels.
            ResourceExists: the token is in use for a version with another value.
            ResourceNotFound: no such secret.
            KeyUnavailable, DecryptionFailure: the key changes, and a labelled version can't be sealed under another.
        """
        token = checked_token(client_request_token)
        limits.check("UpdateSecret", Description=description, KmsKeyId=kms_key_id)
        columns: dict[str, str | None] = {}
        if description is not None:
            columns["description"] = description or None
        if kms_key_id is not None:
            columns["kms_key_id"] = checked_key(self._sealer.provider, kms_key_id)
        call = Call(
            event="UpdateSecret",
            caller=caller,
            request_id=request_id,
            secret_id=secret_id,
            asked=asked(Description=description)
            | asked_key(self._sealer.provider, kms_key_id, caller),
        )
        if value is None:
            return self._update_metadata(call, columns)
        new = _NewValue(
            token=token or self._new_token(),
            value=checked_value(value),
            fresh=token is None,
            columns=columns,
            reason="a value was stored from outside",
        )
        return self._write_value(call, new)

    def _update_metadata(
        self, call: Call, columns: Mapping[str, str | None], *, token: str | None = None
    ) -> StoredVersion:
        """What UpdateSecret answers where it stores no value: one with `token` was there already, or none was given."""
        while True:
            resealing = self._resealing(call, columns)
            with self._store.write() as tx:
                if columns.keys() == {"kms_key_id"}:
                    replica = rekeyed(tx, call, columns["kms_key_id"])
                    if replica is not None:
                        return StoredVersion(arn=replica.arn, name=replica.name, version_id=None)
                secret = call.find_usable(tx, for_update=True)
                if resealing is not None and not resealing.apply(tx, secret):
                    continue
                stages = () if token is None else labels.load(tx, secret.id).of(token)
                changed = {"changed": sorted(columns)}
                written = {"changed_at": tx.now, **columns}
                call.change(tx, secret, written, version_id=token, detail=changed)
            return StoredVersion(arn=secret.arn, name=secret.name, version_id=token, stages=stages)

    def _resealing(self, call: Call, columns: Mapping[str, str | None]) -> Resealing | None:
        """The labelled versions under the key that the secret is about to get; None where it keeps the one it has."""
        if "kms_key_id" not in columns:
            return None
        with self._store.read() as tx:
            secret = call.find_usable(tx)
            labelled = rewrap.labelled(tx, secret.id)
        try:
            return reseal(self._sealer, secret, labelled, key=_key(columns, secret))
        except (DecryptionFailure, KeyUnavailable) as error:
            call.ended_with(error, self._store, secret_arn=secret.arn)
            raise

    def _write_value(self, call: Call, new: _NewValue) -> StoredVersion:
        if new.fresh and "kms_key_id" not in new.columns and self._sealer.opens_at_once:
            return self._put(call, new)
        while True:
            secret, version = self._look_up(call, new)
            if version is not None and version.sealed is not None:
                self._refuse_other_content(call, secret, version, new.value)
                if new.columns:
                    return self._update_metadata(call, new.columns, token=new.token)
                return self._repeated(call, secret, new.token)
            resealing = self._resealing(call, new.columns)
            prepared = _Prepared(secret, self._seal_new(secret, new), resealing)
            try:
                return self._put(call, new, prepared)
            except _Outdated:
                continue

    def _look_up(self, call: Call, new: _NewValue) -> tuple[Found, VersionRow | None]:
        """The secret, and the version that has the token already."""
        if new.fresh:
            with self._store.glance() as tx:
                return call.glimpse_usable(tx), None
        with self._store.read() as tx:
            secret = call.glimpse_usable(tx)
            return secret, versions.get(tx, secret_id=secret.id, version_id=new.token)

    def _seal_new(self, secret: SecretRow | Found, new: _NewValue) -> Sealed:
        context = seal_context(secret, new.token)
        return self._sealer.seal(new.value, context=context, key=_key(new.columns, secret))

    def _put(
        self, call: Call, new: _NewValue, prepared: "_Prepared | None" = None
    ) -> StoredVersion:
        """The stored version.

        Args:
            prepared: what was done before the transaction, because it takes time; None where nothing does.

        Raises:
            _Outdated: what was prepared doesn't fit any more.
        """
        token = new.token
        with self._store.write() as tx:
            secret = call.find_usable(tx, for_update=True)
            version = None
            if not new.fresh:
                version = versions.get(tx, secret_id=secret.id, version_id=token)
            sealed = (
                prepared.sealed_for(tx, secret, version)
                if prepared is not None
                else self._seal_new(secret, new)
            )
            rotation, before = None, labels.load_unowned(tx, secret.id)
            if before is None:
                rotation = rotations.active(tx, secret.id, for_update=True)
                before = labels.load(tx, secret.id)
            refuse_late(rotation, caller=call.caller, rotation_token=new.rotation_token)
            refuse_foreign_put(call.caller, token=token, stages=new.stages)
            if _is_of_rotation(rotation, token=token, stages=new.stages):
                after = before.put(token, new.stages)
            else:
                after = _labels_after_put(secret, before, token=token, stages=new.stages)
                abandon_rotation(tx, call=call, secret=secret, rotation=rotation, reason=new.reason)
            _store_value(tx, version, secret_id=secret.id, token=token, sealed=sealed)
            labels.save(tx, secret.id, before=before, after=after)
            old_versions.prune(tx, secret.id)
            made_current = after.version(CURRENT) == token != before.version(CURRENT)
            due = _due_after_put(tx, secret, planner=self._planner) if made_current else {}
            written = {"changed_at": tx.now, **new.columns, **due}
            call.change(tx, secret, written, version_id=token, labels=after.at)
        return StoredVersion(
            arn=secret.arn, name=secret.name, version_id=token, stages=after.of(token)
        )


class _Outdated(Exception):
    """Someone else has used the token, or changed or replaced the secret, since it was looked up."""


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What was done before the transaction.

    Attributes:
        secret: as it was looked up.
        sealed: the value.
        resealing: of the labelled versions, where the secret gets another key.
    """

    secret: Found
    sealed: Sealed
    resealing: Resealing | None

    def sealed_for(self, tx: Tx, secret: SecretRow, version: VersionRow | None) -> Sealed:
        """The sealed value, where secret and version are still what they were; the labelled versions are resealed.

        Raises:
            _Outdated: they aren't.
        """
        used = version is not None and version.sealed is not None
        same = (self.secret.id, self.secret.kms_key_id) == (secret.id, secret.kms_key_id)
        if used or not same:
            raise _Outdated
        if self.resealing is not None and not self.resealing.apply(tx, secret):
            raise _Outdated
        return self.sealed


def _key(columns: Mapping[str, str | None], secret: SecretRow | Found) -> str | None:
    """The name of the sealing key that the secret has with these columns."""
    return columns.get("kms_key_id", secret.kms_key_id)


def _is_of_rotation(
    rotation: RotationRow | None, *, token: str, stages: Sequence[str] | None
) -> bool:
    """Whether a put is the rotation's own createSecret. One that asks for AWSCURRENT would skip testSecret."""
    made = rotation is not None and not rotation.only_tests
    return made and owns(rotation, token) and set(stages or ()) == {PENDING}


def _labels_after_put(
    secret: SecretRow, before: Labels, *, token: str, stages: Sequence[str] | None
) -> Labels:
    # AWS: a new version during a rotation takes AWSPENDING off, also where the rotation has ended and left it behind.
    kept = before if secret.rotator is None else before.without_pending()
    if kept.version(CURRENT) is None:
        return kept.first(token, stages)
    return kept.put(token, stages)


def _store_value(
    tx: Tx, version: VersionRow | None, *, secret_id: int, token: str, sealed: Sealed
) -> None:
    if version is None:
        versions.insert(tx, secret_id=secret_id, version_id=token, sealed=sealed)
    else:
        versions.set_value(tx, secret_id=secret_id, version_id=token, sealed=sealed)


def _due_after_put(tx: Tx, secret: SecretRow, *, planner: Planner) -> dict[str, object]:
    """A value put by hand counts as a rotation for a rate; a cron expression names its windows whatever happens."""
    if not secret.rotation_enabled or not isinstance(rules_of(secret), Rate):
        return {}
    return {"rules_at": tx.now, **planner.due_columns(tx, secret, rotated_at=tx.now, now=tx.now)}
