"""What a plugin says, fit to be stored and shown: without secrets, without what a terminal obeys, and not too long."""

from collections.abc import Iterable

from rotator.sdk import SecretValue, scrub

LONGEST = 4000
"""Characters of a message that are kept."""

_READ = 65_536  # characters of a message that are looked at


def told(said: object, values: Iterable[SecretValue]) -> str:
    """What `said` reads as, without the secrets of `values`."""
    whole = text(said)
    clean = _visible(scrub(whole[:_READ], values))
    if len(whole) > _READ and len(clean) < 2 * LONGEST:
        return f"(a message of {len(whole)} characters)"  # where it was cut half a secret may stand
    return clean if len(clean) <= LONGEST else f"{clean[:LONGEST]} …"


def text(said: object) -> str:
    """What `said` reads as, whatever it is."""
    try:
        return str(said)
    except Exception:  # noqa: BLE001  # an exception's own __str__ may fail
        return f"(a {type(said).__name__} that can't be shown)"


def _visible(text: str) -> str:
    return "".join(
        each if each.isprintable() or each in "\n\t" else ascii(each)[1:-1] for each in text
    )
