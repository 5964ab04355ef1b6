"""A signed request as it came, its headers and its query by name. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, TypeAlias
from urllib.parse import unquote_to_bytes

from rotator.errors import IncompleteSignature

Service: TypeAlias = Literal["secretsmanager", "sts"]

# The service acts on these, so whoever may alter them on the way could make another request of it.
MUST_BE_SIGNED = ("x-amz-target", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256")
_ONCE = frozenset({"authorization", "date", "host", *MUST_BE_SIGNED})
_CLAIMED = re.compile(r"(?:Credential=|^)([A-Za-z0-9_]{16,128})/")


@dataclass(frozen=True, kw_only=True)
class SignedRequest:
    """A request as it came; neither its credentials nor a value that it brings are shown.

    Attributes:
        path: as it stands in the request line, with its escapes.
        query: likewise, without the question mark.
        headers: in the order in which they came; names in lower case, values decoded as Latin-1.
        source_ip: None where it did not come over a network.
        secure: it came over TLS.
    """

    method: str
    path: str
    query: str = field(repr=False)
    headers: Sequence[tuple[str, str]] = field(repr=False)
    body: bytes = field(repr=False)
    source_ip: str | None
    secure: bool
    service: Service = "secretsmanager"

    @cached_property
    def by_name(self) -> Mapping[str, Sequence[str]]:
        """The values of each header, in their order.

        Raises:
            IncompleteSignature: one comes twice that two readers could disagree about.
        """
        found: dict[str, list[str]] = {}
        for name, value in self.headers:
            if name in found:
                if name in _ONCE:
                    raise IncompleteSignature(f"The request has more than one header '{name}'.")
                found[name].append(value)
            else:
                found[name] = [value]
        return found

    @cached_property
    def pairs(self) -> Sequence[tuple[bytes, bytes]]:
        """The names and values in the query, unescaped, in their order."""
        if not self.query:
            return ()
        parted = (each.partition("=") for each in self.query.split("&") if each)
        return [(_unescaped(name), _unescaped(value)) for name, _, value in parted]


def claimed_key(request: SignedRequest) -> str | None:
    """The access key id that a request names, be it anyone's or not; for records alone."""
    said = [value for name, value in request.headers if name == "authorization"]
    said += [
        value.decode("latin-1") for name, value in request.pairs if name == b"X-Amz-Credential"
    ]
    found = (_CLAIMED.search(text) for text in said)
    return next((match[1] for match in found if match is not None), None)


def _unescaped(text: str) -> bytes:
    return unquote_to_bytes(text.replace("+", " "))
