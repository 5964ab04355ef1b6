"""Names, ARNs and version ids, as the Secrets Manager API defines them."""

import re
from dataclasses import dataclass

from rotator.errors import InvalidParameter, ValidationError

_NAME = re.compile(r"[A-Za-z0-9/_+=.@!-]{1,512}")
_ARN = re.compile(
    r"arn:aws:secretsmanager:(?P<region>[^:]+):(?P<account>[^:]+):secret:(?P<name>[^:]+)"
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


def check_token(token: str) -> str:
    """`token` itself, a client request token of 32 to 64 characters.

    Raises:
        InvalidParameter: it is shorter or longer.
    """
    if not 32 <= len(token) <= 64:
        raise InvalidParameter("ClientRequestToken must be 32-64 characters long.")
    return token


def secret_arn(*, region: str, account: str, name: str, suffix: str) -> str:
    """The ARN of a secret; `suffix` is the six random characters."""
    return f"arn:aws:secretsmanager:{region}:{account}:secret:{name}-{suffix}"


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
