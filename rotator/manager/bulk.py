"""Many secrets at once: what an import asks of the store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy.exc import IntegrityError

from rotator.crypto.envelope import SealContext, Sealed
from rotator.errors import DecryptionFailure, KeyUnavailable
from rotator.manager.call import Call
from rotator.manager.checks import checked_key
from rotator.manager.operations import Operations
from rotator.manager.portable import PortableSecret, check_portable
from rotator.manager.refusals import audited
from rotator.model.caller import Caller
from rotator.model.labels import CURRENT, Labels
from rotator.model.names import secret_arn
from rotator.sdk import SecretValue, key_in
from rotator.store import creation, secrets, tags, versions
from rotator.store.creation import NewSecret
from rotator.store.secrets import SecretRow
from rotator.store.versions import VersionRow


class Standing(StrEnum):
    """How a secret that is to be made stands to what the store has."""

    ABSENT = "absent"
    SAME = "same"  # by that name, with all that is said of it
    OTHER = "other"
    DELETED = "deleted"  # marked for deletion: the name is not free before that is over


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What the store has by the name of a secret.

    Attributes:
        differs: in what it is another one: `value`, `description`, `tags`, `key`.
    """

    name: str
    standing: Standing
    differs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    secret: SecretRow
    version: VersionRow | None
    tags: Mapping[str, str] = field(default_factory=dict)


class Bulk(Operations):
    """How many secrets are made at once."""

    def check_secret(self, secret: PortableSecret) -> None:
        """Nothing, where the secret can be made as far as it can be told without looking at others.

        Raises:
            InvalidParameter, InvalidRequest, ValidationError: what is wrong with it, without any value.
            KeyUnavailable: no sealing keys can be had.
        """
        check_portable(secret, self._sealer.provider)

    @audited("GetSecretValue")
    def compare_secrets(
        self, *, caller: Caller, request_id: str, wanted: Sequence[PortableSecret]
    ) -> tuple[Comparison, ...]:
        """How each secret stands to what the store has by its name; nothing changes.

        A secret is the same where its current value, its description, its key and the tags that are named are. Whoever
        compares a value learns of it, so that it counts as read, but not as used: LastAccessedDate stays.

        Raises:
            AccessDenied: the caller may not read secrets here.
        """
        call = Call(event="GetSecretValue", caller=caller, request_id=request_id)
        with self._store.read() as tx:
            call.permit(account=caller.account, region=caller.region)
            rows = secrets.by_names(
                tx,
                account=caller.account,
                region=caller.region,
                names=[secret.name for secret in wanted],
            )
            ids = [row.id for row in rows.values()]
            current = versions.current_of(tx, ids)
            tags_of = tags.load_many(tx, ids)
            found = {
                name: _Found(secret=row, version=current.get(row.id), tags=tags_of.get(row.id, {}))
                for name, row in rows.items()
            }
            for at in found.values():
                if at.version is not None:
                    detail = {"compared": True}
                    call.record(tx, at.secret.arn, version_id=at.version.version_id, detail=detail)
        return tuple(self._compare(call, secret, found.get(secret.name)) for secret in wanted)

    @audited("CreateSecret")
    def create_secrets(
        self, *, caller: Caller, request_id: str, wanted: Sequence[PortableSecret]
    ) -> tuple[Comparison, ...]:
        """Makes those of the secrets that are not there, all in one transaction; the others stay as they are.

        Args:
            wanted: each name once.

        Returns:
            How each stood before: what was absent is there now.

        Raises:
            AccessDenied: the caller may not make secrets here.
            InvalidParameter, InvalidRequest, ValidationError: one is out of the limits; nothing was made.
            sqlalchemy.exc.IntegrityError: a name comes twice; nothing was made.
        """
        for secret in wanted:
            self.check_secret(secret)
        failed: list[PortableSecret] | None = None
        while True:
            compared = self.compare_secrets(caller=caller, request_id=request_id, wanted=wanted)
            absent = [
                secret
                for secret, comparison in zip(wanted, compared, strict=True)
                if comparison.standing is Standing.ABSENT
            ]
            try:
                self._create_all(caller, request_id, absent)
            except IntegrityError:
                # Someone made a secret of one of these names after we looked: now we find it, or else it was not that.
                if absent == failed:
                    raise
                failed = absent
                continue
            return compared

    def _create_all(
        self, caller: Caller, request_id: str, absent: Sequence[PortableSecret]
    ) -> None:
        if not absent:
            return
        new = [self._sealed(caller, secret) for secret in absent]
        call = Call(event="CreateSecret", caller=caller, request_id=request_id)
        with self._store.write() as tx:
            call.permit(account=caller.account, region=caller.region)
            creation.add(tx, new)
            for secret in new:
                current = secret.labels.version(CURRENT)
                call.record(
                    tx,
                    secret.arn,
                    version_id=current,
                    detail={"imported": True, "left": creation.left(tx, secret)},
                    revision=creation.REVISION,
                )

    def _sealed(self, caller: Caller, secret: PortableSecret) -> NewSecret:
        key = checked_key(self._sealer.provider, secret.kms_key_id)
        arn = secret_arn(
            region=caller.region,
            account=caller.account,
            name=secret.name,
            suffix=self._random_suffix(),
        )
        sealed: dict[str, Sealed] = {}
        at: dict[str, str] = {}
        for version in secret.versions:
            version_id = version.version_id or self._new_token()
            context = SealContext(
                account=caller.account,
                region=caller.region,
                secret_arn=arn,
                version_id=version_id,
            )
            sealed[version_id] = self._sealer.seal(version.value, context=context, key=key)
            at |= dict.fromkeys(version.stages, version_id)
        return NewSecret(
            account=caller.account,
            region=caller.region,
            name=secret.name,
            arn=arn,
            description=secret.description or None,
            kms_key_id=key,
            tags=secret.tags,
            versions=sealed,
            labels=Labels(at),
        )

    def _compare(self, call: Call, wanted: PortableSecret, found: _Found | None) -> Comparison:
        if found is None:
            return Comparison(name=wanted.name, standing=Standing.ABSENT)
        if found.secret.deleted_at is not None:
            return Comparison(name=wanted.name, standing=Standing.DELETED)
        value_differs = wanted.current is not None and wanted.current != self._value(call, found)
        kept = found.secret
        differences = {
            "value": value_differs,
            "description": wanted.description is not None
            and wanted.description != (kept.description or ""),
            "tags": any(found.tags.get(key) != value for key, value in wanted.tags.items()),
            "key": wanted.kms_key_id is not None
            and key_in(wanted.kms_key_id) != key_in(kept.kms_key_id),
        }
        differs = tuple(what for what, is_other in differences.items() if is_other)
        standing = Standing.OTHER if differs else Standing.SAME
        return Comparison(name=wanted.name, standing=standing, differs=differs)

    def _value(self, call: Call, found: _Found) -> SecretValue | None:
        """The current value; None where there is none that can be opened, which a new one may replace."""
        if found.version is None or found.version.sealed is None:
            return None
        try:
            return self._open(call, found.secret, found.version)
        except (DecryptionFailure, KeyUnavailable):
            return None
