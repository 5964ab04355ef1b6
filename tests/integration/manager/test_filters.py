"""ListSecrets: every filter, order and size of a page against a naive model, however the store finds the secrets."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rotator.errors import InvalidNextToken, InvalidParameter, ValidationError
from rotator.manager.manager import SecretsManager
from rotator.manager.results import SecretDescription
from rotator.model.filters import Filter, FilterKey, SecretFilter, SortBy, SortOrder
from rotator.store import listing, listing_orders, search_plan, secrets
from rotator.store.listing_orders import Stretch
from rotator.store.store import Store
from tests.support.listing_model import passing
from tests.support.manager import ABROAD, ME, REGION, row_id, value

SECRETS: list[tuple[str, str | None, dict[str, str]]] = [
    ("app/prod/db", "The main Database of Payments", {"team": "red", "env": "prod"}),
    ("app/test/db", "the database, for tests", {"team": "red", "env": "test"}),
    ("app_prod", None, {"Team": "blue"}),
    ("App/upper", "UPPER lower MiXed", {}),
    ("app/prod/api-key", "Key of the payment gateway", {"team": "blue", "env": "prod", "red": ""}),
    ("zz", "", {"note": "main payment"}),
    ("prod", "data base", {"env": "PROD"}),
    ("straße".replace("ß", "ss"), "Schlüssel für die Straße", {"größe": "übergroß"}),
    ("a=b+c@d.e!f", "- / _", {"x": "a b"}),
    ("marked", "database", {"team": "red"}),
]
TEXTS = (
    st.sampled_from(
        [
            "",
            "-",
            "a",
            "b",
            "x",
            "app",
            "app/",
            "app_",
            "App",
            "prod",
            "PROD",
            "team",
            "te",
            "red",
            "re",
            "blue",
            "main",
        ]
    )
    | st.sampled_from(
        [
            "data",
            "database",
            "DATA base",
            "payment",
            "the main",
            "of payments the",
            "key pay",
            "env prod red",
            "mi",
            "zz",
        ]
    )
    | st.sampled_from(
        ["test", "eu-", "eu-central-1", "us", "lower upper", "aa", "strasse", "d e f"]
    )
)
VALUES = st.builds(lambda sign, text: sign + text, st.sampled_from(["", "", "!"]), TEXTS)
FILTERS = st.builds(
    Filter, st.sampled_from(FilterKey), st.lists(VALUES, min_size=1, max_size=3).map(tuple)
)
WHERES = st.builds(
    SecretFilter,
    filters=st.lists(FILTERS, max_size=3).map(tuple),
    name_prefix=st.none() | st.sampled_from(["app", "z", ""]),
    tags=st.sampled_from([{}, {}, {"team": "red"}, {"env": "prod", "team": "red"}, {"team": "re"}]),
    include_deleted=st.booleans(),
)
ORDERS = st.builds(SortOrder, by=st.sampled_from(SortBy), descending=st.booleans())


@pytest.fixture
def filled(manager: SecretsManager, store: Store) -> SecretsManager:
    """A manager with the secrets, one of them marked for deletion, and the same in another region."""
    for name, description, tags in SECRETS:
        manager.create_secret(**ME, name=name, description=description, tags=tags)
    name, description, tags = SECRETS[0]
    manager.create_secret(
        caller=ABROAD, request_id="request-3", name=name, description=description, tags=tags
    )
    manager.delete_secret(**ME, secret_id="marked")
    for day, name in ((3, "zz"), (1, "prod"), (3, "app_prod")):
        _read_on(store, name, day)
    return manager


def _read_on(store: Store, name: str, day: int) -> None:
    with store.write() as tx:
        midnight = tx.now.replace(hour=0, minute=0, second=0, microsecond=0)
        secrets.update(tx, row_id(tx, name), accessed_on=midnight - timedelta(days=day))


@pytest.fixture(params=["by index", "by order", "a few at a time"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the store find secrets in one way only."""
    if request.param == "by index":
        return
    monkeypatch.setattr(search_plan, "FEW", -1)
    if request.param == "a few at a time":
        for name in ("_ASCENDING", "_AGAIN"):
            paths: Mapping[SortBy, Sequence[Stretch]] = getattr(listing_orders, name)
            short = {by: [replace(part, reach=3) for part in path] for by, path in paths.items()}
            monkeypatch.setattr(listing_orders, name, short)


def pages(
    manager: SecretsManager, where: SecretFilter, order: SortOrder, *, size: int
) -> Iterator[tuple[SecretDescription, ...]]:
    """Every page of a list."""
    cursor = None
    while True:
        page = manager.list_secrets(**ME, where=where, order=order, cursor=cursor, max_results=size)
        yield page.secrets
        cursor = page.next_cursor
        if cursor is None:
            return


def everything(
    manager: SecretsManager, where: SecretFilter, order: SortOrder | None = None, *, size: int = 100
) -> list[SecretDescription]:
    """All pages, one after the other."""
    return [
        secret for page in pages(manager, where, order or SortOrder(), size=size) for secret in page
    ]


def _sorted(found: Sequence[SecretDescription], order: SortOrder) -> list[SecretDescription]:
    never = datetime.fromtimestamp(0, UTC)
    key = {
        SortBy.CREATED: lambda secret: secret.created_at,
        SortBy.CHANGED: lambda secret: secret.changed_at,
        SortBy.ACCESSED: lambda secret: (secret.accessed_on or never, secret.created_at),
        SortBy.NAME: lambda secret: secret.name,
    }[order.by]
    return sorted(found, key=key, reverse=order.descending)


@pytest.mark.usefixtures("way")
def test_lists_are_what_a_naive_model_says(filled: SecretsManager) -> None:
    """Filters of every key, orders both ways, pages of any size: the same secrets in the same order, each once."""
    everyone = everything(filled, SecretFilter(include_deleted=True))
    assert len(everyone) == len(SECRETS)
    days = [secret.accessed_on for secret in everyone if secret.accessed_on is not None]

    @settings(max_examples=40, deadline=None, derandomize=True)
    @given(WHERES, ORDERS, st.sampled_from([1, 3, 100]))
    def compare(where: SecretFilter, order: SortOrder, size: int) -> None:
        expected = _sorted(passing(where, everyone, region=REGION), order)
        found = list(pages(filled, where, order, size=size))
        listed = [secret for page in found for secret in page]
        assert all(len(page) <= size for page in found)
        assert listed[: len(expected)] == expected
        again = listed[len(expected) :]
        if again:  # those read on the latest day, at the end of a list that took several pages
            assert (order.by, order.descending) == (SortBy.ACCESSED, True)
            assert len(found) > 1
            assert {secret.accessed_on for secret in again} == {max(days)}

    compare()


def _one(key: FilterKey, *values: str) -> SecretFilter:
    return SecretFilter(filters=(Filter(key, values),))


@pytest.mark.parametrize(
    ("key", "values", "expected"),
    [
        (FilterKey.NAME, ["app/", "z"], ["app/prod/db", "app/test/db", "app/prod/api-key", "zz"]),
        (
            FilterKey.NAME,
            ["!app", "app_"],
            ["app_prod", "App/upper", "zz", "prod", "strasse", "a=b+c@d.e!f"],
        ),
        (FilterKey.DESCRIPTION, ["PAY main"], ["app/prod/db"]),
        (FilterKey.DESCRIPTION, ["-"], []),
        (FilterKey.TAG_KEY, ["Te"], ["app_prod"]),
        (FilterKey.TAG_VALUE, ["pro"], ["app/prod/db", "app/prod/api-key"]),
        (FilterKey.ALL, ["red prod payments"], ["app/prod/db"]),
        (FilterKey.ALL, ["straß"], ["strasse"]),
        (FilterKey.PRIMARY_REGION, ["us-"], []),
        (FilterKey.OWNING_SERVICE, ["x"], []),
    ],
)
def test_each_key_has_its_own_rule(
    filled: SecretsManager, key: FilterKey, values: list[str], expected: list[str]
) -> None:
    """Prefixes of name and tags, prefixes of words of the rest; `!` turns a value around."""
    if key is FilterKey.ALL and values == ["straß"]:  # more than the API takes
        with pytest.raises(ValidationError):
            everything(filled, _one(key, *values))
        return
    assert [secret.name for secret in everything(filled, _one(key, *values))] == expected


def test_the_same_key_twice_narrows(filled: SecretsManager) -> None:
    """Values are alternatives, filters are all asked for: with one key too."""
    one, other = Filter(FilterKey.NAME, ("app", "z")), Filter(FilterKey.NAME, ("app/p", "App"))
    found = everything(filled, SecretFilter(filters=(one, other)))
    assert [secret.name for secret in found] == ["app/prod/db", "app/prod/api-key"]


def test_a_filter_keeps_to_the_limits_of_the_api(filled: SecretsManager) -> None:
    """Ten filters of ten values of 512 characters, in the characters that a name or a tag has."""
    for values in ((), ("x",) * 11, ("x" * 513,), ("$",)):
        with pytest.raises(ValidationError):
            everything(filled, _one(FilterKey.NAME, *values))
    with pytest.raises(ValidationError):
        everything(filled, SecretFilter(filters=(Filter(FilterKey.NAME, ("x",)),) * 11))


def test_so_many_words_and_no_more(filled: SecretsManager) -> None:
    """What would take more than the work of a page is refused with a number."""
    many = " ".join(f"w{number:03}" for number in range(100))
    found = everything(filled, _one(FilterKey.ALL, many, many.replace("w", "v")))
    assert found == []
    with pytest.raises(InvalidParameter, match="at most 200"):
        everything(filled, _one(FilterKey.ALL, many, many.replace("w", "v"), "one"))


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("by", [SortBy.CHANGED, SortBy.ACCESSED])
@pytest.mark.parametrize("descending", [False, True])
def test_nothing_that_stays_is_missed_while_others_change(
    filled: SecretsManager, store: Store, by: SortBy, descending: bool
) -> None:
    """In an order that moves: whatever is changed between two pages, every secret comes, and only what moved twice."""
    order = SortOrder(by=by, descending=descending)
    names = {secret.name for secret in everything(filled, SecretFilter())}
    seen: list[str] = []
    changed: set[str] = set()
    cursor = None
    for mover in [*sorted(names), *[None] * 100]:
        page = filled.list_secrets(**ME, order=order, cursor=cursor, max_results=1)
        seen += [secret.name for secret in page.secrets]
        cursor = page.next_cursor
        if cursor is None:
            break
        if mover is not None:
            changed.add(mover)
            _touch(filled, store, mover, by)

    assert cursor is None
    assert set(seen) == names
    assert {name for name in names if seen.count(name) > 1} <= changed


def _touch(manager: SecretsManager, store: Store, name: str, by: SortBy) -> None:
    if by is SortBy.CHANGED:
        manager.put_secret_value(**ME, secret_id=name, value=value("w"))
    else:
        _read_on(store, name, 0)


def test_a_cursor_belongs_to_its_list(filled: SecretsManager) -> None:
    """With another filter, order, account or region a cursor is refused, and altered; another page size is fine."""
    where, order = SecretFilter(name_prefix="app"), SortOrder(by=SortBy.NAME)
    cursor = filled.list_secrets(**ME, where=where, order=order, max_results=1).next_cursor
    assert cursor is not None
    mine: dict[str, Any] = {"where": where, "order": order, "cursor": cursor}
    others: list[dict[str, Any]] = [
        {"where": SecretFilter(name_prefix="ap")},
        {"where": SecretFilter(name_prefix="app", include_deleted=True)},
        {"where": SecretFilter(name_prefix="app", tags={"a": "b"})},
        {"where": SecretFilter(filters=(Filter(FilterKey.NAME, ("app",)),))},
        {"order": SortOrder()},
        {"order": SortOrder(by=SortBy.NAME, descending=True)},
        {"cursor": cursor[:-4]},
        {"cursor": cursor[4:]},
    ]
    for other in others:
        with pytest.raises(InvalidNextToken, match="NextToken"):
            filled.list_secrets(**ME, **{**mine, **other})
    with pytest.raises(InvalidNextToken):
        filled.list_secrets(caller=ABROAD, request_id="request-3", **mine)
    assert len(filled.list_secrets(**ME, **mine, max_results=5).secrets) == 3


@pytest.mark.usefixtures("filled")
def test_what_is_due_comes_longest_waiting_first(store: Store) -> None:
    """Secrets whose planned moment has come, as many as asked for."""
    with store.write() as tx:
        for hours, name in ((-1, "zz"), (-3, "prod"), (-2, "app_prod"), (1, "App/upper")):
            secrets.update(tx, row_id(tx, name), due_at=tx.now + timedelta(hours=hours))
    with store.read() as tx:
        assert [arn.split(":")[-1][:-7] for arn in listing.due(tx, limit=10)] == [
            "prod",
            "app_prod",
            "zz",
        ]
        assert len(listing.due(tx, limit=2)) == 2
