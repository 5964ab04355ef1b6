"""What a list of secrets is narrowed and ordered by, in the words of the API."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class FilterKey(StrEnum):
    """What a filter looks at: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_Filter.html."""

    DESCRIPTION = "description"
    NAME = "name"
    TAG_KEY = "tag-key"
    TAG_VALUE = "tag-value"
    PRIMARY_REGION = "primary-region"
    OWNING_SERVICE = "owning-service"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter; a secret passes where one of its values fits, and a list takes those that pass all filters.

    `name`, `tag-key`, `tag-value`, `primary-region` and `owning-service` fit where what they look at begins with the
    value, case-sensitive; `description` and `all` where every word of the value begins a word of the description, or of
    the name, the description and the tags together (`rotator.model.words`). A value without a word fits nothing there.
    `!` before a value turns it around: it fits every secret that the rest does not fit.
    """

    key: FilterKey
    values: tuple[str, ...]


class SortBy(StrEnum):
    """What a list is ordered by."""

    CREATED = "created-date"
    CHANGED = "last-changed-date"
    ACCESSED = "last-accessed-date"
    NAME = "name"


@dataclass(frozen=True, slots=True, kw_only=True)
class SortOrder:
    """The order of a list: by creation, oldest first, where nothing else is said."""

    by: SortBy = SortBy.CREATED
    descending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretFilter:
    """Which secrets to list: those that pass all of it.

    Attributes:
        filters: as the API has them.
        name_prefix: what the name begins with, case-sensitive.
        tags: key → value, all of which a secret must have.
        include_deleted: those marked for deletion too.
    """

    filters: tuple[Filter, ...] = ()
    name_prefix: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    include_deleted: bool = False
