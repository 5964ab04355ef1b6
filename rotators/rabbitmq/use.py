"""A user's connections to the broker, and how they are ended.

By its name the API knows a connection only some seconds after it was opened; by the user it knows what the broker
itself keeps count of.
Source: RabbitMQ's "Management HTTP API", /api/connections/username/NAME.
"""

from urllib.parse import quote

from rotator.sdk import NotSupported, Rotation, Use
from rotators.rabbitmq.api import READING, checked, request
from rotators.rabbitmq.secret import RabbitmqSecret


def connections_of(admin: RabbitmqSecret, user: str, rotation: Rotation) -> tuple[Use, ...]:
    """The connections of `user`. None of them tells which password opened it.

    Raises:
        NotSupported: this broker's API doesn't list them.
    """
    answer = request(admin, rotation, "GET", _path(user))
    checked(answer, admin, doing=READING, admin=True)
    if not isinstance(answer.body, list):
        raise NotSupported(
            f"the management API at {admin.address} doesn't list a user's connections",
            hint="rabbitmqctl list_connections user name; rabbitmqctl close_connection",
        )
    names = [str(each.get("name")) for each in answer.body if isinstance(each, dict)]
    return tuple(
        Use(user=user, client=_client(name), detail=f"connection {name}") for name in names
    )


def end_connections(admin: RabbitmqSecret, user: str, rotation: Rotation) -> None:
    """Ends all connections of `user`.

    Raises:
        TargetRefused: the admin may not end them.
    """
    answer = request(admin, rotation, "DELETE", _path(user))
    checked(answer, admin, doing="ending the user's connections", admin=True)


def _path(user: str) -> str:
    return f"/api/connections/username/{quote(user, safe='')}"


def _client(name: str) -> str:
    """The address that comes first in a connection's name: "127.0.0.1:41850 -> 127.0.0.1:5672"."""
    address, arrow, _ = name.partition(" -> ")
    return address.rpartition(":")[0] if arrow else "an unknown address"
