"""Keeps secret strings out of messages, whatever a rotator, a driver or a server puts into them."""

from collections.abc import Iterable

from rotator.sdk import Misconfigured, SecretValue

_SHORTEST = 4  # shorter fragments would blank out ordinary words
_OPEN_FIELDS = frozenset(
    {
        "engine",
        "host",
        "port",
        "username",
        "dbname",
        "masterarn",
        "ssl",
        "sslmode",
        "dbInstanceIdentifier",
    }
)


def scrub(message: str, values: Iterable[SecretValue]) -> str:
    """`message` with every secret string of `values` replaced by `***`, longest first."""
    for fragment in sorted(_fragments(values), key=len, reverse=True):
        message = message.replace(fragment, "***")
    return message


def _fragments(values: Iterable[SecretValue]) -> set[str]:
    found: set[str] = set()
    for value in values:
        if value.string is not None:
            found.add(value.string)
        try:
            fields = value.fields()
        except Misconfigured:
            continue
        found.update(
            text
            for name, text in fields.items()
            if name not in _OPEN_FIELDS and isinstance(text, str)
        )
    return {fragment for fragment in found if len(fragment) >= _SHORTEST}
