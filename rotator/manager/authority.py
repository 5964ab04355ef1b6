"""What a rotation may act on, pinned by someone who may read the admin secret."""

from dataclasses import replace

from rotator.errors import InvalidParameter
from rotator.manager.call import Call
from rotator.sdk import Authority
from rotator.store import administration
from rotator.store.secrets import SecretRow
from rotator.store.store import Tx


def readable_admin(tx: Tx, call: Call, admin: str) -> SecretRow:
    """The admin secret of this name or ARN, which the caller may read.

    Raises:
        AccessDenied: the caller may not.
        InvalidRequest: it is marked for deletion.
        ResourceNotFound: there is none.
    """
    return replace(call, event="GetSecretValue", secret_id=admin).find_usable(tx)


def resolve_authority(tx: Tx, call: Call, secret: SecretRow, authority: Authority) -> Authority:
    """The authority with its admin secret by full ARN.

    Whoever may write a secret must not be able to borrow an admin that they may not read: the caller is asked for
    GetSecretValue on the admin secret.

    Raises:
        AccessDenied: the caller may not read the admin secret.
        InvalidParameter: the admin secret is the secret itself, or needs it as its own admin.
        InvalidRequest: the admin secret is marked for deletion.
        ResourceNotFound: there is no such admin secret.
    """
    if authority.admin is None:
        return authority
    admin = readable_admin(tx, call, authority.admin)
    if admin.arn == secret.arn:
        raise InvalidParameter(
            f"The secret {secret.name} can't be its own admin secret. Name another one, or none where "
            "the credential changes itself."
        )
    if secret.arn in administration.admin_chain(tx, admin.arn):
        raise InvalidParameter(
            f"{admin.name} can't be the admin secret of {secret.name}, because its own rotation needs "
            f"{secret.name}, directly or through others. Rotating either would wait for the other."
        )
    return replace(authority, admin=admin.arn)
