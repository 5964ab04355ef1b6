"""The fields of a database secret's JSON, in the form that AWS defines.

Source: AWS Secrets Manager User Guide, "JSON structure of AWS Secrets Manager secrets". Everything here is pure;
whatever the JSON holds, the only error is Misconfigured, and no message quotes a password.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rotator.sdk import Misconfigured, SecretValue

_UNSENDABLE = re.compile("[\0\ud800-\udfff]")
_SPACE = re.compile(r"\s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """Reads one JSON object; every method raises Misconfigured with the field's name where it is missing or wrong.

    Attributes:
        product: the database, for messages.
    """

    values: Mapping[str, Any]
    product: str

    @classmethod
    def of(cls, value: SecretValue, *, product: str) -> "Fields":
        """The fields of a secret's value."""
        return cls(values=value.fields(), product=product)

    def check_engine(self, engines: tuple[str, ...]) -> None:
        """The secret is one of this database's."""
        if self.values.get("engine") not in engines:
            raise Misconfigured(
                f"the secret's \"engine\" is missing or not {self.product}'s",
                hint=f"set it to one of: {', '.join(engines)}",
            )

    def text(self, name: str) -> str:
        """A text that isn't empty and that can be sent."""
        text = self.values.get(name)
        if not isinstance(text, str) or not text:
            raise Misconfigured(
                f'the secret\'s "{name}" is missing, empty or no text',
                hint=f'store the secret with a "{name}" that is a non-empty string',
            )
        if _UNSENDABLE.search(text):
            raise Misconfigured(
                f"the secret's \"{name}\" holds a character that {self.product} can't take "
                "(NUL or half of a surrogate pair)",
                hint=f'store the secret with a "{name}" that is plain Unicode text',
            )
        return text

    def optional_text(self, name: str) -> str | None:
        """As `text`, or None where the field is missing or null."""
        return None if self.values.get(name) is None else self.text(name)

    def host(self) -> str:
        """One host name or address."""
        host = self.text("host")
        # Drivers take a comma for a list of servers, a leading slash or @ for a socket; a credential has one server.
        if "," in host or host[0] in "/@" or _SPACE.search(host):
            raise Misconfigured(
                'the secret\'s "host" is not one host name or address',
                hint='store one name or IP address in "host"; lists and socket directories are not supported',
            )
        return host

    def port(self, *, default: int) -> int:
        """A port, also where it is given as text."""
        port = self.optional_port(hint=f'store "port": {default}')
        return default if port is None else port

    def optional_port(self, *, hint: str = 'store "port" as a number') -> int | None:
        """As `port`, or None where the field is missing or null."""
        port = self.values.get("port")
        if isinstance(port, str) and port.isascii() and port.isdigit() and len(port) <= 5:
            port = int(port)
        if port is None:
            return None
        if isinstance(port, bool) or not isinstance(port, int) or not 1 <= port <= 65535:
            raise Misconfigured('the secret\'s "port" is not a number from 1 to 65535', hint=hint)
        return port

    def ssl(self) -> bool | None:
        """What the secret says of encryption; None where it says nothing."""
        ssl = self.values.get("ssl")
        if isinstance(ssl, str):  # the AWS templates take the words too
            ssl = {"true": True, "false": False}.get(ssl.lower(), ssl)
        if ssl is None or isinstance(ssl, bool):
            return ssl
        raise Misconfigured(
            'the secret\'s "ssl" is neither true nor false', hint='store "ssl": true'
        )
