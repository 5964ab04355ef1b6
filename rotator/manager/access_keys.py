"""Access keys: what principals sign their requests with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rotator.access import credentials as made
from rotator.access.credentials import Credentials
from rotator.errors import ResourceExists, ResourceNotFound
from rotator.manager.identifying import Identifying, Named, account_of, find_principal
from rotator.manager.refusals import audited
from rotator.model.caller import Caller
from rotator.sdk import SecretValue
from rotator.store import access_key_rows
from rotator.store.principal_rows import Identities, Kind, Principal
from rotator.store.store import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKeyDescription:
    """An access key, without its secret.

    Attributes:
        used_on: midnight UTC of the day of the last request that it signed.
    """

    access_key_id: str
    principal: str
    disabled: bool
    created_at: datetime
    used_on: datetime | None


class AccessKeys(Identifying):
    """How access keys come and go."""

    @audited("CreateAccessKey")
    def create_access_key(
        self,
        *,
        caller: Caller,
        request_id: str,
        principal: str,
        account: str | None = None,
        given: Credentials | None = None,
    ) -> Credentials:
        """A new access key of a principal. Its secret is given out this once.

        Args:
            given: one that was brought along; None to have one made.

        Raises:
            KeyUnavailable: its secret can't be sealed.
            ResourceExists: the access key id is in use.
            ResourceNotFound: there is no principal of this name.
        """
        where = account_of(account, caller)
        credentials = made.new_credentials() if given is None else given
        key_id = credentials.access_key_id
        sealed = self._sealer.seal(
            SecretValue(string=credentials.secret_access_key),
            context=access_key_rows.seal_context(key_id),
        )

        def change(tx: Tx, known: Identities) -> Mapping[str, Any]:
            user = find_principal(known, Named(where, principal, Kind.USER))
            if key_id in known.keys:
                raise ResourceExists(f"The access key id {key_id} is in use.")
            access_key_rows.add_key(tx, user.id, key_id, sealed)
            return {"access_key_id": key_id, "brought_along": given is not None}

        self._change_identities("CreateAccessKey", caller, request_id, change, principal=principal)
        return credentials

    @audited("SetAccessKeyStatus")
    def set_access_key_status(
        self, *, caller: Caller, request_id: str, access_key_id: str, disabled: bool
    ) -> AccessKeyDescription:
        """Lets requests be signed with an access key, or not.

        Raises:
            ResourceNotFound: there is no such key.
        """

        def change(tx: Tx, known: Identities) -> Mapping[str, Any]:
            _owner(known, access_key_id)
            access_key_rows.switch_key(tx, access_key_id, disabled=disabled)
            return {"access_key_id": access_key_id, "disabled": disabled}

        after = self._change_identities("SetAccessKeyStatus", caller, request_id, change)
        return _described_key(after, access_key_id)

    @audited("DeleteAccessKey")
    def delete_access_key(self, *, caller: Caller, request_id: str, access_key_id: str) -> None:
        """Removes an access key.

        Raises:
            ResourceNotFound: there is no such key.
        """

        def change(tx: Tx, known: Identities) -> Mapping[str, Any]:
            owner = _owner(known, access_key_id)
            access_key_rows.remove_key(tx, access_key_id)
            return {"access_key_id": access_key_id, "arn": owner.arn}

        self._change_identities("DeleteAccessKey", caller, request_id, change)

    @audited("ListAccessKeys")
    def list_access_keys(
        self,
        *,
        caller: Caller,
        request_id: str,
        principal: str | None = None,
        account: str | None = None,
    ) -> Sequence[AccessKeyDescription]:
        """The access keys of a principal, or all.

        Raises:
            ResourceNotFound: there is no principal of this name.
            RowAltered: they are not as they were written.
        """
        # With what was noted of their use since they were last read.
        known = self._known("ListAccessKeys", caller, request_id, afresh=True)
        if principal is None:
            keys = tuple(sorted(known.keys))
        else:
            found = find_principal(known, Named(account_of(account, caller), principal, Kind.USER))
            keys = tuple(key.access_key_id for key in known.keys_of(found))
        return [_described_key(known, key) for key in keys]


def _owner(known: Identities, access_key_id: str) -> Principal:
    key = known.keys.get(access_key_id)
    if key is None:
        raise ResourceNotFound(
            f"There is no access key {access_key_id}. See them all: rotate principal keys list"
        )
    return known.principals[key.principal_id]


def _described_key(known: Identities, access_key_id: str) -> AccessKeyDescription:
    key = known.keys[access_key_id]
    return AccessKeyDescription(
        access_key_id=access_key_id,
        principal=known.principals[key.principal_id].name,
        disabled=key.disabled,
        created_at=key.created_at,
        used_on=key.used_on,
    )
