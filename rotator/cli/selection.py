"""Which secrets a command is for: named ones, or those whose rotation is set and that fit."""

from collections.abc import Callable, Iterator, Sequence

from rotator.cli.session import Session
from rotator.errors import ConfigurationError, ResourceNotFound
from rotator.manager.results import SecretDescription
from rotator.model.filters import Filter, FilterKey, SecretFilter, SortOrder


def select(
    session: Session,
    names: Sequence[str] | None,
    *,
    everything: bool,
    tags: Sequence[str] | None = None,
    prefix: str | None = None,
) -> tuple[str, ...]:
    """The secrets to act on, each once.

    Raises:
        ConfigurationError: nothing is chosen, or names are mixed with a choice by property.
        ResourceNotFound: no secret whose rotation is set fits.
    """
    by_property = everything or bool(tags) or prefix is not None
    if bool(names) == by_property:
        raise ConfigurationError(
            "Name the secrets, or choose those whose rotation is set: --all, --tag KEY=VALUE, --prefix PREFIX."
        )
    if names:
        return tuple(dict.fromkeys(names))
    where = SecretFilter(
        name_prefix=prefix, tags=dict(parse_pair(tag, option="--tag") for tag in tags or ())
    )
    found = tuple(secret.name for secret in all_secrets(session, where) if _rotates(secret))
    if not found:
        raise ResourceNotFound(
            "No secret whose rotation is set fits. `rotate secret list` shows what there is, "
            "`rotate rotation set` sets the rotation of one."
        )
    return found


def named_or_all(
    names: Sequence[str] | None,
    *,
    everything: bool,
    find_all: Callable[[], Sequence[str]],
    option: str = "--all",
) -> tuple[str, ...]:
    """The secrets that are named, each once, or what `find_all` gives.

    Args:
        option: the one that asks for all of them.

    Raises:
        ConfigurationError: neither names nor the option are given, or both.
    """
    if bool(names) == everything:
        raise ConfigurationError(f"Name the secrets, or say {option}.")
    return tuple(dict.fromkeys(names or find_all()))


def all_secrets(
    session: Session, where: SecretFilter | None = None, *, order: SortOrder | None = None
) -> Iterator[SecretDescription]:
    """Every secret that passes the filter, by creation where no order is given; a page at a time."""
    cursor: str | None = None
    while True:
        page = session.manager.list_secrets(
            caller=session.caller,
            request_id=session.request_id,
            where=where,
            order=order,
            cursor=cursor,
        )
        yield from page.secrets
        cursor = page.next_cursor
        if cursor is None:
            return


def parse_filter(text: str) -> Filter:
    """`KEY=VALUE[,VALUE]…` as a filter: of several values one has to fit.

    Raises:
        ConfigurationError: there is no `=`, or no filter has such a key.
    """
    key, values = parse_pair(text, option="--filter")
    if key not in set(FilterKey):
        raise ConfigurationError(
            f"--filter {text}: there is no filter {key}. The keys are: {', '.join(FilterKey)}."
        )
    return Filter(FilterKey(key), tuple(values.split(",")))


def parse_pair(text: str, *, option: str) -> tuple[str, str]:
    """`KEY=VALUE` as its two parts.

    Raises:
        ConfigurationError: there is no `=`.
    """
    key, separator, value = text.partition("=")
    if not (key and separator):
        raise ConfigurationError(f"{option} {text}: expected KEY=VALUE.")
    return key, value


def _rotates(secret: SecretDescription) -> bool:
    return secret.rotation is not None and secret.rotation.enabled
