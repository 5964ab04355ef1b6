"""The settings of the rotators besides those of the password."""

import re
from dataclasses import dataclass

from rotator.sdk import Misconfigured, PasswordSettings, setting

_NODE = re.compile(r"\[?(?P<host>[^\s,\[\]]+)\]?:(?P<port>\d{1,5})")


@dataclass(frozen=True, slots=True, order=True)
class Node:
    """One server, where it is reached."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, kw_only=True)
class RedisSettings(PasswordSettings):
    """What `rotation set` stored for the rotator.

    They are no fields of the secret: whoever may write the secret could have the admin's password sent anywhere.
    """

    nodes: tuple[str, ...] = setting(
        "every server that has the user, as host:port; without it the servers are asked for one another",
        default=(),
    )
    client_certificate: str | None = setting(
        "path of the certificate that this machine proves itself with, PEM", default=None
    )
    client_key: str | None = setting(
        "path of its key, where the certificate's file doesn't hold it", default=None
    )

    def __post_init__(self) -> None:
        """The nodes are addresses.

        Raises:
            Misconfigured: one is none.
        """
        super().__post_init__()
        _ = self.listed

    @property
    def listed(self) -> tuple[Node, ...]:
        """The nodes, each once."""
        found = [_NODE.fullmatch(text) for text in self.nodes]
        nodes = [Node(match["host"], int(match["port"])) for match in found if match]
        if len(nodes) != len(found) or not all(1 <= node.port <= 65535 for node in nodes):
            raise Misconfigured(
                f"the setting nodes is no list of servers: {', '.join(self.nodes)}",
                hint="nodes=redis-1.example:6379,redis-2.example:6379",
            )
        return tuple(dict.fromkeys(nodes))
