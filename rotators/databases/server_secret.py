"""What the secret of a user on a server holds, whatever the product."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSecret:
    """A credential of a user and where it logs in.

    Attributes:
        masterarn: the ARN of the admin secret, None where there is none.
        tls: the connection is encrypted and the server's certificate verified; False is plaintext.
        ca: the secret's own `ssl_ca`, a path.
    """

    host: str
    port: int
    username: str
    password: str = field(repr=False)
    masterarn: str | None
    tls: bool
    ca: str | None

    @property
    def address(self) -> str:
        """Host and port, for messages."""
        return f"{self.host}:{self.port}"
