"""What a failed statement means for the rotation.

SQLSTATEs: PostgreSQL manual, appendix A. An error that the server answers with is definite, since every change is one
transaction; only a lost connection leaves it open whether the transaction was committed.
"""

from contextlib import AbstractContextManager

import psycopg

from rotator.sdk import (
    Misconfigured,
    StepError,
    TargetBusy,
    TargetRefused,
)
from rotators.databases.explaining import cut_off, explaining

_PASSES_BY_ITSELF = {
    "57014": "the statement ran into its time limit",
    "55P03": "another session holds a lock on the role",
    "40001": "another transaction got in between",
    "25P03": "the transaction was idle for too long",
    "25P04": "the transaction ran into its time limit",
    "40P01": "it ran into a deadlock with another transaction",
}


def explained(
    doing: str, *, changing: bool = False, hint: str | None = None
) -> AbstractContextManager[None]:
    """Raise the SDK's errors in place of psycopg's.

    Args:
        doing: what the statements do, for the message: "reading the roles".
        changing: they change the target, so a lost connection leaves the outcome unknown.
        hint: what to do where a privilege is missing.
    """

    def explain(failure: psycopg.Error) -> StepError:
        return explain_statement_failure(failure, doing=doing, changing=changing, hint=hint)

    return explaining(psycopg.Error, explain)


def explain_statement_failure(
    failure: psycopg.Error, *, doing: str, changing: bool, hint: str | None
) -> StepError:
    """The SDK's error for `failure`; the arguments are those of `explained`."""
    state = failure.sqlstate or ""
    text = failure.diag.message_primary or " ".join(str(failure).split())
    if not state or state.startswith(("08", "57P")):
        return cut_off(f"the connection was lost in the middle of {doing}", text, changing=changing)
    if state in _PASSES_BY_ITSELF:
        return TargetBusy(f"{doing} was given up: {_PASSES_BY_ITSELF[state]}")
    # The server raises it without a code of its own, and doesn't translate it.
    if state == "XX000" and text.startswith("tuple concurrently"):
        return TargetBusy(f"{doing} was given up: another session changed the role just then")
    if state.startswith("53"):
        return TargetBusy(f"{doing} was given up: the server lacks resources: {text}")
    if state == "25006":
        return Misconfigured(
            f"{doing} is not possible, the server takes no changes: {text}",
            hint="let the secret's host be the primary, not a standby",
        )
    if state == "42501":
        detail = failure.diag.message_detail
        because = f"{text} ({detail})" if detail else text
        return TargetRefused(f"{doing} lacks a privilege: {because}", hint=hint)
    return TargetRefused(f"the server refused {doing}: {text} (SQLSTATE {state})")
