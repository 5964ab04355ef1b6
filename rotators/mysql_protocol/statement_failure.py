"""What a failed statement means for the rotation.

An error that the server answers with is definite; only a lost connection, or a statement that was killed, leaves it
open whether a change has happened. Error numbers: MySQL's "Server Error Message Reference", MariaDB's error codes.
"""

from contextlib import AbstractContextManager

import pymysql

from rotator.sdk import (
    LoginRefused,
    Misconfigured,
    PasswordRefused,
    StepError,
    TargetBusy,
    TargetRefused,
)
from rotators.databases.explaining import cut_off, explaining

EXPIRED = frozenset({1820, 1862})
POLICY = 1819
HISTORY = 3638
NOT_THE_PASSWORD = 3891
"""REPLACE named another password than the account's first one."""

_PASSES_BY_ITSELF = {
    1205: "another session holds a lock",
    1213: "it ran into a deadlock with another session",
    1040: "the server has no room",
}
_INTERRUPTED = frozenset({1053, 1317, 1927, 1969, 3024, 4031})
_NOT_PERMITTED = frozenset({1044, 1095, 1142, 1143, 1227, 1370})
_READ_ONLY = frozenset({1290, 1792, 1836})


class Refusal(TargetRefused):
    """The server answered a statement with an error.

    Attributes:
        number: its error number.
    """

    def __init__(self, message: str, *, number: int, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.number = number


def password_refused(refusal: Refusal) -> PasswordRefused:
    """The refusal of a password that no account has."""
    return PasswordRefused(refusal.message, hint=refusal.hint)


def explained(
    doing: str, *, changing: bool = False, hint: str | None = None
) -> AbstractContextManager[None]:
    """Raise the SDK's errors in place of PyMySQL's.

    Args:
        doing: what the statements do, for the message: "reading the accounts".
        changing: they change the target, so a lost connection leaves the outcome unknown.
        hint: what to do where a privilege is missing.
    """

    def explain(failure: pymysql.Error) -> StepError:
        return explain_statement_failure(failure, doing=doing, changing=changing, hint=hint)

    return explaining(pymysql.Error, explain)


def explain_statement_failure(
    failure: pymysql.Error, *, doing: str, changing: bool, hint: str | None
) -> StepError:
    """The SDK's error for `failure`; the arguments are those of `explained`."""
    number = failure.args[0] if failure.args else None
    text = str(failure.args[-1]) if failure.args else type(failure).__name__
    if not isinstance(number, int) or number == 0 or 2000 <= number < 3000:
        return cut_off(f"the connection was lost in the middle of {doing}", text, changing=changing)
    if number in _INTERRUPTED:
        return cut_off(f"the server interrupted {doing}", text, changing=changing)
    if number in _PASSES_BY_ITSELF:
        return TargetBusy(f"{doing} was given up: {_PASSES_BY_ITSELF[number]}")
    if number in _READ_ONLY:
        return Misconfigured(
            f"{doing} is not possible, the server takes no changes: {text}",
            hint="let the secret's host be the primary, not a replica",
        )
    if number in EXPIRED:
        return LoginRefused(
            f"{doing} was refused: the password has expired, so that it may only be changed",
            hint="ALTER USER … PASSWORD EXPIRE NEVER; or name an admin secret in masterarn",
        )
    if number == POLICY:
        return Refusal(
            f"{doing} was refused: the new password doesn't satisfy the server's policy",
            number=number,
            hint="see what it asks for: SHOW VARIABLES LIKE '%password%'",
        )
    if number in _NOT_PERMITTED:
        return Refusal(f"{doing} lacks a privilege: {text}", number=number, hint=hint)
    return Refusal(f"the server refused {doing}: {text} (error {number})", number=number)
