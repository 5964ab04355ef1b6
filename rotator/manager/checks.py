"""What is checked of parameters before the state of any secret is looked at, beyond the limits of the API's model.

The numbers here are those that the model does not state: the quotas page of the user guide has them.
"""

from collections.abc import Mapping, Sequence

from rotator.errors import InvalidParameter, InvalidRequest, KeyUnavailable
from rotator.manager import limits
from rotator.model.filters import Filter
from rotator.sdk import DEFAULT_KEY_ALIAS, KeyProvider, SecretValue, key_in

MAX_TAGS = 50
RECOVERY_DAYS = range(7, 31)
DEFAULT_RECOVERY_DAYS = 30
MAX_PAGE = 100
"""Entries of a page where the caller asks for no number of them."""


def checked_token(token: str | None) -> str | None:
    """The client request token itself.

    Raises:
        InvalidParameter: it is shorter or longer than the API allows.
        ValidationError: it is no text that can be stored.
    """
    if token is None:
        return None
    shortest, longest = limits.bounds("ClientRequestTokenType")
    if not shortest <= len(token) <= longest:
        raise InvalidParameter(f"ClientRequestToken must be {shortest}-{longest} characters long.")
    limits.check("PutSecretValue", ClientRequestToken=token)
    return token


def checked_value(value: SecretValue | None) -> SecretValue:
    """The value itself, which can be stored.

    Raises:
        InvalidRequest: there is none, or it is empty.
        ValidationError: it is too long, in bytes, or its text can't be encoded.
    """
    if value is None or not (value.string or value.binary):
        raise InvalidRequest("You must provide either SecretString or SecretBinary.")
    limits.check("PutSecretValue", SecretString=value.string, SecretBinary=value.binary)
    return value


def check_tags(tags: Mapping[str, str]) -> None:
    """Nothing, where each of the tags can be put on a secret.

    Raises:
        InvalidParameter: there are too many, or a key is reserved.
        ValidationError: a key or a value is too long.
    """
    limits.check("TagResource", Tags=[{"Key": key, "Value": value} for key, value in tags.items()])
    check_tag_count(len(tags))
    for key in tags:
        if key.lower().startswith("aws:"):
            raise InvalidParameter(
                f"The tag key {key!r} begins with aws:, which is reserved. Choose another key."
            )


def check_tag_count(count: int) -> None:
    """Nothing, where a secret may have so many tags.

    Raises:
        InvalidParameter: it may not.
    """
    if count > MAX_TAGS:
        raise InvalidParameter(
            f"A secret has at most {MAX_TAGS} tags, and these would be {count}. Remove some first."
        )


def checked_key(provider: KeyProvider, kms_key_id: str | None) -> str | None:
    """The name of a sealing key as the secret keeps it; None for the default key.

    Raises:
        InvalidParameter: there is no such key, or it is disabled.
        KeyUnavailable: the provider has no keys to give.
    """
    if key_in(kms_key_id) is None:
        return None
    _ = provider.active_key_id  # where no key can be had, the name is not what is wrong
    try:
        provider.resolve(kms_key_id)
    except KeyUnavailable:
        raise InvalidParameter(
            f"There is no key {kms_key_id} here, or it is disabled. `rotate key list` shows the keys; leave KmsKeyId "
            f"out, or name {DEFAULT_KEY_ALIAS}, for the default one."
        ) from None
    return kms_key_id


def checked_recovery(days: int | None, *, force: bool) -> int:
    """The recovery window in days.

    Raises:
        InvalidParameter: it is out of range, or named although none is wanted.
    """
    if force and days is not None:
        raise InvalidParameter(
            "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays."
        )
    if days is None:
        return DEFAULT_RECOVERY_DAYS
    if days not in RECOVERY_DAYS:
        raise InvalidParameter(
            "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive)."
        )
    return days


def check_page_size(size: int) -> None:
    """Nothing, where a page can have so many entries.

    Raises:
        InvalidParameter: it can't.
    """
    smallest, largest = limits.bounds("MaxResultsType")
    if not smallest <= size <= largest:
        raise InvalidParameter(f"MaxResults must be between {smallest} and {largest}.")


def check_filters(operation: str, filters: Sequence[Filter]) -> None:
    """Nothing, where the operation takes such filters.

    Raises:
        ValidationError: there are too many, or of one the values are too many, too long or of other characters.
    """
    given = [{"Key": asked.key, "Values": asked.values} for asked in filters]
    limits.check(operation, Filters=given)
