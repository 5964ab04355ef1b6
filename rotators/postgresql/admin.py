"""The admin secret: which one may be used, and where it logs in."""

from rotator.sdk import Misconfigured, Rotation
from rotators.databases.admin import check_server
from rotators.postgresql.secret import DatabaseSecret, parse


def admin_secret(rotation: Rotation, secret: DatabaseSecret) -> DatabaseSecret:
    """The admin's credential for changes on behalf of `secret`.

    It has to name the same server: whoever may write the one secret could else have the admin of
    another server act, or have its password sent there (confused deputy).

    Raises:
        Misconfigured: there is no admin secret, or it belongs to another server.

    """
    if rotation.admin is None:
        raise Misconfigured(
            "alternating users need an admin secret, and this rotation has none",
            hint='name one: `rotate rotation set SECRET --admin ADMIN-SECRET`, or "masterarn" in the '
            "secret's JSON; or use the rotator postgresql-single-user",
        )
    # Objects and grants are those of the secret's database, unless the admin's own is said.
    admin = parse(rotation.admin, default_dbname=secret.dbname)
    check_server(admin, secret, rotation)
    return admin
