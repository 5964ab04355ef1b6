"""What the error numbers of the servers mean for a rotation."""

import pymysql
import pytest

from rotator.sdk import (
    AdminLoginRefused,
    LoginRefused,
    Misconfigured,
    OutcomeUnknown,
    StepError,
    TargetBusy,
    TargetRefused,
    TargetUnreachable,
)
from rotators.mysql_protocol.login_failure import Attempt, explain_login_failure
from rotators.mysql_protocol.statement_failure import Refusal, explain_statement_failure


def attempt(*, tls: bool = True, admin: bool = False) -> Attempt:
    return Attempt(user="app", dbname="shop", address="db:3306", tls=tls, admin=admin)


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (1040, TargetBusy),
        (1044, TargetRefused),
        (1045, LoginRefused),
        (1049, Misconfigured),
        (1053, TargetBusy),
        (1129, TargetBusy),
        (1130, Misconfigured),
        (1203, TargetBusy),
        (1226, TargetBusy),
        (1698, LoginRefused),
        (1820, LoginRefused),
        (1862, LoginRefused),
        (2013, TargetUnreachable),
        (2026, Misconfigured),
        (3118, LoginRefused),
        (3159, Misconfigured),
        (3955, LoginRefused),
        (4151, LoginRefused),
        (1105, TargetRefused),
    ],
)
def test_logins(number: int, kind: type[StepError]) -> None:
    """Every reason has its class, and the user is named."""
    failure = pymysql.OperationalError(number, "the server's words")
    error = explain_login_failure(failure, attempt())
    assert type(error) is kind
    assert "app" in error.message or "db:3306" in error.message


@pytest.mark.parametrize("number", [1045, 1862, 3118])
def test_the_admins_refusal_is_told_apart(number: int) -> None:
    """The engine reads the admin secret again where the admin was refused."""
    failure = pymysql.OperationalError(number, "refused")
    assert type(explain_login_failure(failure, attempt(admin=True))) is AdminLoginRefused


@pytest.mark.parametrize(
    ("number", "changing", "kind"),
    [
        (1205, True, TargetBusy),
        (1213, True, TargetBusy),
        (1227, True, Refusal),
        (1290, True, Misconfigured),
        (1317, True, OutcomeUnknown),
        (1317, False, TargetUnreachable),
        (1396, True, Refusal),
        (1819, True, Refusal),
        (1820, True, LoginRefused),
        (2006, True, OutcomeUnknown),
        (2013, True, OutcomeUnknown),
        (2013, False, TargetUnreachable),
        (3024, False, TargetUnreachable),
        (3638, True, Refusal),
    ],
)
def test_statements(number: int, changing: bool, kind: type[StepError]) -> None:
    """An answer is definite; a lost or interrupted change is not."""
    failure = pymysql.OperationalError(number, "the server's words")
    error = explain_statement_failure(failure, doing="it", changing=changing, hint="hint")
    assert type(error) is kind


def test_a_failure_without_a_number_is_unknown() -> None:
    """What PyMySQL raises by itself proves nothing about a change."""
    error = explain_statement_failure(
        pymysql.InternalError("odd"), doing="it", changing=True, hint=None
    )
    assert type(error) is OutcomeUnknown
