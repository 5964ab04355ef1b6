"""DescribeSecret, ListSecrets, ListSecretVersionIds: all but the values."""

from collections.abc import Sequence
from datetime import datetime

from rotator.manager.call import Call
from rotator.manager.checks import MAX_PAGE, check_page_size
from rotator.manager.cursor import Part, refused
from rotator.manager.next_due import Planner
from rotator.manager.operations import Operations
from rotator.manager.refusals import audited
from rotator.manager.replicating import described
from rotator.manager.results import (
    SecretDescription,
    SecretPage,
    VersionDescription,
    VersionPage,
)
from rotator.manager.secret_list import SecretList
from rotator.manager.settings import rotation_settings
from rotator.model.caller import Caller
from rotator.model.filters import SecretFilter, SortOrder
from rotator.model.labels import Labels
from rotator.store import labels, listing, replicas, tags
from rotator.store.secrets import SecretRow
from rotator.store.store import Tx


class Describing(Operations):
    """How secrets are looked at without their values."""

    @audited("DescribeSecret")
    def describe_secret(
        self, *, caller: Caller, request_id: str, secret_id: str
    ) -> SecretDescription:
        """All about a secret but its value, also where it is marked for deletion.

        Raises:
            ResourceNotFound: there is no such secret.
        """
        call = Call(
            event="DescribeSecret", caller=caller, request_id=request_id, secret_id=secret_id
        )
        with self._store.read() as tx:
            secret = call.find(tx)
            [description] = describe_all(tx, [secret], planner=self._planner)
            call.record(tx, secret.arn)
        return description

    @audited("ListSecrets")
    def list_secrets(
        self,
        *,
        caller: Caller,
        request_id: str,
        where: SecretFilter | None = None,
        order: SortOrder | None = None,
        cursor: str | None = None,
        max_results: int = MAX_PAGE,
    ) -> SecretPage:
        """The secrets of the caller's account and region, a page at a time; oldest first where no order is given.

        A page may have fewer secrets than asked for, even none, although others follow: the store looks at so many
        secrets a page and no more, for those that pass the filter.

        Args:
            cursor: `next_cursor` of the page before, of a list with the same filter and order.

        Raises:
            InvalidNextToken: the cursor is none of this list.
            InvalidParameter: the page is too large, or the filter asks for too much at once.
            ValidationError: a filter is out of its limits.
        """
        check_page_size(max_results)
        wanted = SecretList.asked_for(
            "ListSecrets",
            caller=caller,
            where=where,
            order=order,
            cursor=cursor,
            cursors=self._cursors,
        )
        call = Call(event="ListSecrets", caller=caller, request_id=request_id)
        with self._store.read() as tx:
            found = wanted.page(tx, call, limit=max_results)
            descriptions = describe_all(tx, found.rows, planner=self._planner)
            call.record(tx, None)
        return SecretPage(secrets=descriptions, next_cursor=wanted.cursor(found.following))

    @audited("ListSecretVersionIds")
    def list_secret_version_ids(
        self,
        *,
        caller: Caller,
        request_id: str,
        secret_id: str,
        include_deprecated: bool = False,
        cursor: str | None = None,
        max_results: int = MAX_PAGE,
    ) -> VersionPage:
        """The versions of a secret in the order of their creation, a page at a time.

        Args:
            include_deprecated: those without a label too.
            cursor: `next_cursor` of the page before.

        Raises:
            InvalidNextToken: the cursor is none of this list.
            InvalidParameter: the page is too large.
            ResourceNotFound: there is no such secret.
        """
        check_page_size(max_results)
        call = Call(
            event="ListSecretVersionIds",
            caller=caller,
            request_id=request_id,
            secret_id=secret_id,
        )
        with self._store.read() as tx:
            secret = call.find(tx)
            this = ["versions", secret.arn, include_deprecated]
            after = (
                None if cursor is None else _version_after(self._cursors.decode(cursor, of=this))
            )
            owner = replicas.origin(tx, secret).id
            found = listing.list_versions(
                tx,
                owner,
                include_deprecated=include_deprecated,
                after=after,
                limit=max_results + 1,
            )
            at = labels.load(tx, owner)
            call.record(tx, secret.arn)
        shown = found[:max_results]
        last = shown[-1] if len(found) > max_results else None
        return VersionPage(
            arn=secret.arn,
            name=secret.name,
            kms_key_id=secret.kms_key_id,
            versions=tuple(
                VersionDescription(
                    version_id=entry.version_id,
                    created_at=entry.created_at,
                    accessed_on=entry.accessed_on,
                    stages=at.of(entry.version_id),
                    pinned=entry.pinned,
                )
                for entry in shown
            ),
            next_cursor=None
            if last is None
            else self._cursors.encode([last.created_at, last.version_id], of=this),
        )


def _version_after(place: Sequence[Part]) -> tuple[datetime, str]:
    match place:
        case (datetime() as created_at, str(version_id)):
            return created_at, version_id
    raise refused()


def describe_all(
    tx: Tx, secrets: Sequence[SecretRow], *, planner: Planner
) -> tuple[SecretDescription, ...]:
    """All about secrets but their values."""
    ids = [secret.id for secret in secrets]
    origin_of = replicas.origins(tx, secrets)
    labels_of = labels.load_many(tx, [origin.id for origin in origin_of.values()])
    tags_of = tags.load_many(tx, ids)
    accesses = replicas.accesses(tx, list(origin_of.values()))
    return tuple(
        SecretDescription(
            arn=secret.arn,
            name=secret.name,
            description=secret.description,
            kms_key_id=secret.kms_key_id,
            created_at=secret.created_at,
            changed_at=secret.changed_at,
            accessed_on=secret.accessed_on,
            deleted_at=secret.deleted_at,
            purge_at=secret.purge_at,
            tags=tags_of.get(secret.id, {}) if origin.tagged else None,
            versions=labels_of.get(origin.id, Labels()).by_version(),
            rotation=rotation_settings(planner.as_it_holds(tx, origin)),
            primary_region=origin.region if origin.replicas else None,
            replication=described(origin, accesses),
        )
        for secret in secrets
        for origin in (origin_of[secret.id],)
    )
