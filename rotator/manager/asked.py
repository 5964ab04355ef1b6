"""What a call is about, as policies see it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Asked = Mapping[str, Sequence[str]]
"""Condition keys, in lower case, that a call's own parameters give → their values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a call is about.

    Attributes:
        row: of the secret, None where there is none.
    """

    arn: str
    account: str
    row: int | None = None


def asked(prefix: str = "secretsmanager:", /, **parameters: object) -> dict[str, Sequence[str]]:
    """Parameters of a call under the names of condition keys; what is None was not given."""
    return {
        f"{prefix}{name}".lower(): _texts(given)
        for name, given in parameters.items()
        if given is not None
    }


def asked_tags(tags: Mapping[str, str]) -> dict[str, Sequence[str]]:
    """Tags that a call puts."""
    keyed = {f"aws:requesttag/{key}".lower(): (value,) for key, value in tags.items()}
    return {**keyed, "aws:tagkeys": sorted(tags)}


def _texts(given: object) -> Sequence[str]:
    if isinstance(given, str):
        return (given,)
    if isinstance(given, bool):
        return (str(given).lower(),)
    if isinstance(given, int):
        return (str(given),)
    return [str(each) for each in given] if isinstance(given, Sequence) else ()
