"""The admin secret: which one may be used, and where it logs in."""

from rotator.sdk import Misconfigured, Rotation
from rotators.databases.admin import check_server
from rotators.mysql_protocol.secret import MysqlSecret, Product, parse


def admin_secret(rotation: Rotation, secret: MysqlSecret, product: Product) -> MysqlSecret:
    """The admin's credential for changes on behalf of `secret`: of the same server, and of another user.

    Raises:
        Misconfigured: there is no admin secret, it belongs to another server, or it is the user's own.
    """
    if rotation.admin is None:
        raise Misconfigured(
            "alternating users need an admin secret, and this rotation has none",
            hint='name one: `rotate rotation set SECRET --admin ADMIN-SECRET`, or "masterarn" in the '
            f"secret's JSON; or use the rotator {product.name.lower()}-single-user",
        )
    admin = parse(rotation.admin, product)
    check_server(admin, secret, rotation)
    if admin.username == secret.username:
        raise Misconfigured(
            f'the admin secret is for "{admin.username}", the user whose password changes',
            hint="name the secret of another user in masterarn, or none",
        )
    return admin
