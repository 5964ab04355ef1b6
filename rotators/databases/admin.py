"""The admin secret has to be the same server's."""

from typing import Protocol

from rotator.sdk import Misconfigured, Rotation


class Addressed(Protocol):
    """A credential with the server that it is for."""

    @property
    def host(self) -> str:
        """The server's name or address."""
        ...

    @property
    def port(self) -> int:
        """Its port."""
        ...

    @property
    def address(self) -> str:
        """Both, for messages."""
        ...


def check_server(admin: Addressed, secret: Addressed, rotation: Rotation) -> None:
    """The admin secret names the same server as the secret does, unless the rotation allows another.

    Whoever may write the one secret could else have the admin of another server act, or have its password sent there
    (confused deputy).

    Raises:
        Misconfigured: it names another.
    """
    same_server = admin.host.lower() == secret.host.lower() and admin.port == secret.port
    if not same_server and not rotation.allow_other_server:
        raise Misconfigured(
            f"the admin secret is for the server {admin.address}, the secret for {secret.address}",
            hint="let both name the same server, or allow the other one in the rotation's settings",
        )
