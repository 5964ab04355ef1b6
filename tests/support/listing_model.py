"""What a list of secrets is, said as naively as can be."""

from collections.abc import Iterable

from rotator.manager.results import SecretDescription
from rotator.model.filters import Filter, FilterKey, SecretFilter
from rotator.model.words import words


def passing(
    where: SecretFilter, secrets: Iterable[SecretDescription], *, region: str
) -> list[SecretDescription]:
    """Those of the secrets that a list shows."""
    return [secret for secret in secrets if _passes(where, secret, region)]


def _passes(where: SecretFilter, secret: SecretDescription, region: str) -> bool:
    return (
        (where.include_deleted or secret.deleted_at is None)
        and secret.name.startswith(where.name_prefix or "")
        and all((secret.tags or {}).get(key) == value for key, value in where.tags.items())
        and all(_fits(asked, secret, region) for asked in where.filters)
    )


def _fits(asked: Filter, secret: SecretDescription, region: str) -> bool:
    return any(
        not _fits_value(asked.key, value[1:], secret, region)
        if value.startswith("!")
        else _fits_value(asked.key, value, secret, region)
        for value in asked.values
    )


def _fits_value(key: FilterKey, value: str, secret: SecretDescription, region: str) -> bool:
    description, tags = secret.description or "", secret.tags or {}
    match key:
        case FilterKey.NAME:
            return secret.name.startswith(value)
        case FilterKey.TAG_KEY:
            return any(tag.startswith(value) for tag in tags)
        case FilterKey.TAG_VALUE:
            return any(tag.startswith(value) for tag in tags.values())
        case FilterKey.DESCRIPTION:
            return _has_words(value, description)
        case FilterKey.ALL:
            return _has_words(value, " ".join([secret.name, description, *tags, *tags.values()]))
        case FilterKey.PRIMARY_REGION:
            return region.startswith(value)
        case FilterKey.OWNING_SERVICE:
            return False


def _has_words(value: str, text: str) -> bool:
    asked, held = words(value), words(text)
    return bool(asked) and all(any(word.startswith(prefix) for word in held) for prefix in asked)
