"""Limits on parameters, checked before the state of any secret is looked at.

Their numbers are those of the API's model, botocore's `secretsmanager/2017-10-17/service-2.json`, and of the
quotas page of the user guide.
"""

from collections.abc import Mapping, Sequence

from rotator.errors import InvalidParameter, InvalidRequest
from rotator.model.names import check_token
from rotator.sdk import SecretValue

MAX_VALUE_BYTES = 65_536
MAX_DESCRIPTION = 2048
MAX_TAGS = 50
MAX_TAG_KEY = 128
MAX_TAG_VALUE = 256
MAX_LABEL = 256
MAX_PAGE = 100
DEFAULT_KEY = "alias/aws/secretsmanager"
RECOVERY_DAYS = range(7, 31)
DEFAULT_RECOVERY_DAYS = 30


def checked_token(token: str | None) -> str | None:
    """The client request token itself.

    Raises:
        InvalidParameter: it is shorter than 32 or longer than 64 characters.
    """
    return None if token is None else check_token(token)


def check_value(value: SecretValue) -> None:
    """Nothing, where the value can be stored.

    Raises:
        InvalidRequest: it is empty.
        InvalidParameter: it is longer than 65,536 bytes.
    """
    size = len(value.binary) if value.binary is not None else len((value.string or "").encode())
    if size == 0:
        raise InvalidRequest("You must provide either SecretString or SecretBinary.")
    if size > MAX_VALUE_BYTES:
        raise InvalidParameter(
            f"The secret value is {size:,} bytes long; at most {MAX_VALUE_BYTES:,} bytes can be stored. "
            "Store the large part elsewhere and keep only the key to it here."
        )


def check_description(description: str | None) -> None:
    """Nothing, where the description can be stored.

    Raises:
        InvalidParameter: it is too long.
    """
    if description is not None and len(description) > MAX_DESCRIPTION:
        raise InvalidParameter(f"A description has at most {MAX_DESCRIPTION} characters.")


def check_stages(stages: Sequence[str] | None) -> None:
    """Nothing, where the staging labels are well formed.

    Raises:
        InvalidParameter: there is none, or one is empty or too long.
    """
    if stages is None:
        return
    if not stages:
        raise InvalidParameter(
            "VersionStages must name at least one staging label, or be left out."
        )
    for stage in stages:
        check_stage(stage)


def check_stage(stage: str) -> None:
    """Nothing, where the staging label is well formed.

    Raises:
        InvalidParameter: it is empty or too long.
    """
    if not 1 <= len(stage) <= MAX_LABEL:
        raise InvalidParameter(f"A staging label has 1 to {MAX_LABEL} characters.")


def check_tags(tags: Mapping[str, str]) -> None:
    """Nothing, where the tags can be stored.

    Raises:
        InvalidParameter: there are too many, one is too long, or a key is reserved.
    """
    if len(tags) > MAX_TAGS:
        raise InvalidParameter(f"A secret has at most {MAX_TAGS} tags.")
    for key, value in tags.items():
        if not 1 <= len(key) <= MAX_TAG_KEY or len(value) > MAX_TAG_VALUE:
            raise InvalidParameter(
                f"A tag's key has 1 to {MAX_TAG_KEY} characters and its value at most "
                f"{MAX_TAG_VALUE}. The tag {key[:MAX_TAG_KEY]!r} doesn't."
            )
        if key.lower().startswith("aws:"):
            raise InvalidParameter(
                f"The tag key {key!r} begins with aws:, which is reserved. Choose another key."
            )


def check_key(kms_key_id: str | None) -> None:
    """Nothing, where the key is the default one.

    Raises:
        InvalidParameter: another key is named.
    """
    if kms_key_id not in {None, "", DEFAULT_KEY}:
        raise InvalidParameter(
            f"There is no key {kms_key_id} here: every value is sealed under the active sealing key of "
            f"this installation. Leave KmsKeyId out, or name {DEFAULT_KEY}."
        )


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
    if not 1 <= size <= MAX_PAGE:
        raise InvalidParameter(f"MaxResults must be between 1 and {MAX_PAGE}.")
