"""Names, ARNs and version ids, as the Secrets Manager API defines them."""

import re
from dataclasses import dataclass

from rotator.errors import ValidationError

_CHARACTER = "[A-Za-z0-9/_+=.@!-]"
_NAME = re.compile(_CHARACTER + "{1,512}")
_ARN = re.compile(
    rf"arn:aws:secretsmanager:(?P<region>[a-z0-9-]+):(?P<account>[0-9]+):secret:(?P<name>{_CHARACTER}+)"
)
_SUFFIXED = re.compile(r"(?P<name>.+)-(?P<suffix>[A-Za-z0-9]{6})")
SUFFIX_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
SUFFIX_LENGTH = 6


@dataclass(frozen=True, slots=True)
class SecretRef:
    """How a request names a secret: by name, by full ARN, or by an ARN without the six random characters.

    Attributes:
        name: the name; for an ARN, all that follows `:secret:`, with or without the six characters; empty for what
            is no secret's ARN.
        arn: the ARN as given, None for a bare name.
        region: the ARN's region, None for a bare name and for what is no secret's ARN.
        account: its account, likewise.
    """

    name: str
    arn: str | None = None
    region: str | None = None
    account: str | None = None


def check_name(name: str) -> str:
    """`name` itself.

    Raises:
        ValidationError: with the real service's text.
    """
    if not _NAME.fullmatch(name):
        raise ValidationError(
            "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!"
        )
    return name


def secret_arn(*, region: str, account: str, name: str, suffix: str) -> str:
    """The ARN of a secret; `suffix` is the six random characters."""
    return f"arn:aws:secretsmanager:{region}:{account}:secret:{name}-{suffix}"


def is_own_arn(arn: str, *, region: str, account: str, name: str) -> bool:
    """Whether an ARN is that of a secret of this place and name, whatever its six random characters."""
    return (
        arn[: -SUFFIX_LENGTH - 1] == f"arn:aws:secretsmanager:{region}:{account}:secret:{name}"
        and arn[-SUFFIX_LENGTH - 1] == "-"
    )


def parse_secret_id(secret_id: str) -> SecretRef:
    """What a SecretId parameter names.

    What begins with `arn:` is never refused: where it isn't the ARN of a secret, it names none that exists.

    Raises:
        ValidationError: it is neither a name nor begins with `arn:`.
    """
    if not secret_id.startswith("arn:"):
        return SecretRef(check_name(secret_id))
    match = _ARN.fullmatch(secret_id)
    if match is None:
        return SecretRef("", secret_id)
    return SecretRef(match["name"], secret_id, match["region"], match["account"])


def split_suffix(name: str) -> tuple[str, str] | None:
    """The name and the six characters, where the last part of an ARN ends like that, else None."""
    match = _SUFFIXED.fullmatch(name)
    return (match["name"], match["suffix"]) if match else None
