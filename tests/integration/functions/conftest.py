"""What the tests of rotation functions share: an embedded store, and the two ways in which a function is invoked."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from tests.support.api import KEYS, served
from tests.support.hosted import EXAMPLES, HostedHouse, hosting
from tests.support.house import House
from tests.support.lambda_service import arn_of, lambda_service

Way = Callable[[House, str], AbstractContextManager[tuple[HostedHouse, str]]]
"""Gives a house that invokes a function of the examples, and what the function is named by."""


@pytest.fixture
def store_engine() -> str:
    """The embedded store: what functions do doesn't depend on it."""
    return "sqlite"


@contextmanager
def as_file(house: House, example: str) -> Iterator[tuple[HostedHouse, str]]:
    """As a file on this machine."""
    with hosting(house, {example: EXAMPLES / f"{example}.py"}) as hosted:
        yield hosted, example


@contextmanager
def by_lambda(house: House, example: str) -> Iterator[tuple[HostedHouse, str]]:
    """Over the Lambda Invoke API, with access keys of its own."""
    with served(house) as api:
        environment = {
            "SECRETS_MANAGER_ENDPOINT": api.url,
            "AWS_ACCESS_KEY_ID": KEYS.access_key,
            "AWS_SECRET_ACCESS_KEY": KEYS.secret_key,
        }
        files = {example: EXAMPLES / f"{example}.py"}
        with (
            lambda_service(files, environment) as service,
            hosting(house, {}, elsewhere=service.options()) as hosted,
        ):
            yield hosted, arn_of(example)


@pytest.fixture(params=[as_file, by_lambda], ids=["function", "lambda"])
def way(request: pytest.FixtureRequest) -> Way:
    """Each way in turn."""
    chosen: Way = request.param
    return chosen
