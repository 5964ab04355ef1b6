"""Many secrets at once: what an export asks of the store."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rotator.errors import DecryptionFailure, KeyUnavailable
from rotator.manager.call import Call
from rotator.manager.operations import Operations
from rotator.manager.portable import PortableSecret, PortableVersion
from rotator.manager.reading import POLL
from rotator.manager.refusals import audited
from rotator.manager.replicating import refuse_replica
from rotator.manager.secret_list import SecretList
from rotator.model.caller import Caller
from rotator.model.filters import SecretFilter
from rotator.model.labels import CURRENT, Labels
from rotator.store import labels, tags, versions
from rotator.store.listing import Found
from rotator.store.listing_orders import Position
from rotator.store.secrets import SecretRow
from rotator.store.store import Tx
from rotator.store.versions import VersionRow

PAGE = 200
PAGE_OF_ALL_VERSIONS = 10  # with a hundred versions each


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A secret that can't be exported, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportPage:
    """Some of the secrets; `next_cursor` is None on the last page."""

    secrets: tuple[PortableSecret, ...]
    unreadable: tuple[Unreadable, ...]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    secret: SecretRow
    labels: Labels
    tags: dict[str, str]
    versions: Sequence[VersionRow]


class Exporting(Operations):
    """How secrets leave the store with their values.

    Every version that is read leaves a record. None of it counts as access: LastAccessedDate tells which secrets are
    used, and a copy that is taken each night would hide it.
    """

    @audited("GetSecretValue")
    def export_secrets(
        self,
        *,
        caller: Caller,
        request_id: str,
        where: SecretFilter | None = None,
        all_versions: bool = False,
        cursor: str | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> ExportPage:
        """The secrets that pass the filter in the order of their creation, a page at a time.

        Args:
            all_versions: every version that has a value, in place of AWSCURRENT alone.
            cursor: `next_cursor` of the page before.
            sleep: called while a read barrier is raised and no transaction is open.

        Raises:
            AccessDenied: the caller may not read secrets here.
            InvalidNextToken: the cursor is none of this list.
        """
        wanted = SecretList.asked_for(
            "export", caller=caller, where=where, cursor=cursor, cursors=self._cursors
        )
        size = PAGE_OF_ALL_VERSIONS if all_versions else PAGE
        call = Call(event="GetSecretValue", caller=caller, request_id=request_id)
        found, following = self._read(
            call,
            lambda tx: wanted.page(tx, call, limit=size),
            all_versions=all_versions,
            sleep=sleep,
        )
        return self._opened(call, found, next_cursor=wanted.cursor(following))

    @audited("GetSecretValue")
    def export_secret(
        self,
        *,
        caller: Caller,
        request_id: str,
        secret_id: str,
        all_versions: bool = False,
        sleep: Callable[[float], None] = time.sleep,
    ) -> ExportPage:
        """One secret; otherwise as `export_secrets`.

        Raises:
            AccessDenied: the caller may not read it.
            InvalidParameter: it is a replica.
            InvalidRequest: it is marked for deletion.
            ResourceNotFound: there is no such secret.
        """
        call = Call(
            event="GetSecretValue", caller=caller, request_id=request_id, secret_id=secret_id
        )
        found, _ = self._read(
            call,
            lambda tx: Found(rows=[refuse_replica(call.find_usable(tx))]),
            all_versions=all_versions,
            sleep=sleep,
        )
        return self._opened(call, found, next_cursor=None)

    def _read(
        self,
        call: Call,
        page: Callable[[Tx], Found],
        *,
        all_versions: bool,
        sleep: Callable[[float], None],
    ) -> tuple[Sequence[_Found], Position | None]:
        """The secrets of a page with all that an export needs, and where the next page goes on."""
        while True:
            with self._store.read() as tx:
                # Of a list no policy is asked secret by secret, so it is for those who hold the store.
                call.permit(account=call.caller.account, region=call.caller.region)
                secrets = page(tx)
                # A replica comes with its primary: in the region of that, and not as a second secret.
                rows = [row for row in secrets.rows if row.primary_region is None]
                barriers = [row.barrier for row in rows if row.barrier is not None]
                remaining = max((barrier.remaining(tx.now) for barrier in barriers), default=0.0)
                if remaining <= 0:
                    found = _load(tx, rows, all_versions=all_versions)
                    for at in found:
                        for version in at.versions:
                            detail = {"exported": True}
                            call.record(
                                tx, at.secret.arn, version_id=version.version_id, detail=detail
                            )
                    return found, secrets.following
            sleep(min(POLL, remaining))

    def _opened(
        self, call: Call, found: Sequence[_Found], *, next_cursor: str | None
    ) -> ExportPage:
        opened, unreadable = [], []
        for at in found:
            try:
                opened.append(self._portable(call, at))
            except (DecryptionFailure, KeyUnavailable) as error:
                unreadable.append(Unreadable(name=at.secret.name, reason=str(error)))
        return ExportPage(
            secrets=tuple(opened), unreadable=tuple(unreadable), next_cursor=next_cursor
        )

    def _portable(self, call: Call, at: _Found) -> PortableSecret:
        return PortableSecret(
            name=at.secret.name,
            description=at.secret.description,
            kms_key_id=at.secret.kms_key_id,
            tags=at.tags,
            versions=tuple(
                PortableVersion(
                    version_id=version.version_id,
                    value=self._open(call, at.secret, version),
                    stages=at.labels.of(version.version_id),
                )
                for version in at.versions
            ),
        )


def _load(tx: Tx, rows: Sequence[SecretRow], *, all_versions: bool) -> Sequence[_Found]:
    ids = [row.id for row in rows]
    labels_of, tags_of = labels.load_many(tx, ids), tags.load_many(tx, ids)
    if all_versions:
        versions_of = versions.all_of(tx, ids)
    else:
        current = versions.current_of(tx, ids)
        versions_of = {secret_id: [version] for secret_id, version in current.items()}
        labels_of = {
            secret_id: Labels({CURRENT: version.version_id})
            for secret_id, version in current.items()
        }
    return [
        _Found(
            secret=row,
            labels=labels_of.get(row.id, Labels()),
            tags=dict(tags_of.get(row.id, {})),
            versions=[version for version in versions_of.get(row.id, ()) if version.sealed],
        )
        for row in rows
    ]
