"""DescribeSecret, ListSecrets, ListSecretVersionIds: all but the values."""

from collections.abc import Sequence

from rotator.manager import cursor as cursors
from rotator.manager.call import Call
from rotator.manager.checks import MAX_PAGE, check_page_size
from rotator.manager.operations import Operations
from rotator.manager.results import (
    SecretDescription,
    SecretPage,
    VersionDescription,
    VersionPage,
)
from rotator.manager.settings import rotation_settings
from rotator.model.caller import Caller
from rotator.model.labels import Labels
from rotator.store import labels, listing, tags
from rotator.store.listing import SecretFilter
from rotator.store.secrets import SecretRow
from rotator.store.store import Tx


class Describing(Operations):
    """How secrets are looked at without their values."""

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
        with call.write(self._store) as tx:
            secret = call.find(tx)
            [description] = _describe(tx, [secret])
            call.record(tx, secret.arn)
        return description

    def list_secrets(
        self,
        *,
        caller: Caller,
        request_id: str,
        where: SecretFilter | None = None,
        cursor: str | None = None,
        max_results: int = MAX_PAGE,
    ) -> SecretPage:
        """The secrets of the caller's account and region in the order of their creation, a page at a time.

        Args:
            cursor: `next_cursor` of the page before.

        Raises:
            InvalidParameter: the cursor is not one, or the page too large.
        """
        check_page_size(max_results)
        after = None if cursor is None else cursors.decode_row(cursor)
        call = Call(event="ListSecrets", caller=caller, request_id=request_id)
        with call.write(self._store) as tx:
            call.permit(account=caller.account, region=caller.region)
            found = listing.list_secrets(
                tx,
                account=caller.account,
                region=caller.region,
                where=where or SecretFilter(),
                after=after,
                limit=max_results + 1,
            )
            shown = found[:max_results]
            descriptions = _describe(tx, shown)
            call.record(tx, None)
        last = shown[-1] if len(found) > max_results else None
        return SecretPage(
            secrets=descriptions,
            next_cursor=None if last is None else cursors.encode(last.created_at, last.id),
        )

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
            InvalidParameter: the cursor is not one, or the page too large.
            ResourceNotFound: there is no such secret.
        """
        check_page_size(max_results)
        after = None if cursor is None else cursors.decode_version(cursor)
        call = Call(
            event="ListSecretVersionIds",
            caller=caller,
            request_id=request_id,
            secret_id=secret_id,
        )
        with call.write(self._store) as tx:
            secret = call.find(tx)
            found = listing.list_versions(
                tx,
                secret.id,
                include_deprecated=include_deprecated,
                after=after,
                limit=max_results + 1,
            )
            at = labels.load(tx, secret.id)
            call.record(tx, secret.arn)
        shown = found[:max_results]
        last = shown[-1] if len(found) > max_results else None
        return VersionPage(
            arn=secret.arn,
            name=secret.name,
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
            next_cursor=None if last is None else cursors.encode(last.created_at, last.version_id),
        )


def _describe(tx: Tx, secrets: Sequence[SecretRow]) -> tuple[SecretDescription, ...]:
    ids = [secret.id for secret in secrets]
    labels_of = labels.load_many(tx, ids)
    tags_of = tags.load_many(tx, ids)
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
            tags=tags_of.get(secret.id, {}),
            versions=labels_of.get(secret.id, Labels()).by_version(),
            rotation=rotation_settings(secret),
        )
        for secret in secrets
    )
