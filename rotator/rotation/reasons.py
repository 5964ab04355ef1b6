"""The reasons that the machine itself gives for the end of a rotation, in words for the person who reads them."""

from collections.abc import Sequence
from dataclasses import replace

from rotator.model.rotation import Failure, Phase
from rotator.sdk import FailureKind, Use

NOT_REVERTED = Failure(
    phase=Phase.VERIFY,
    kind=FailureKind.REFUSED,
    message="the target was put back, but it refuses the current value",
    hint="check the account on the target, then run `rotate now` again: it finds out which value logs in",
)

NOT_CONFIRMED = Failure(
    phase=Phase.CONFIRM,
    kind=FailureKind.UNKNOWN,
    message="after a takeover the target refuses AWSCURRENT: an older session changed it last",
    hint="the same value is set again",
)

NOTHING_LIVES = Failure(
    phase=Phase.PROBE,
    kind=FailureKind.REFUSED,
    message="the target accepts none of the stored values that were tried: somebody changed the credential there, or "
    "an earlier rotation left it with another",
    hint="`rotate now` tries what else is kept; if that doesn't help, store the password that works with "
    "`rotate secret put`, or name an admin secret with `rotate rotation set --admin`",
)

ABANDONED_VALUE_LIVES = Failure(
    phase=Phase.PROBE,
    kind=FailureKind.REFUSED,
    message="the target accepts the value of an abandoned rotation, not AWSCURRENT",
    hint="`rotate now` rotates on from the value that logs in; its version is kept until then",
)

TEST_STOPPED = Failure(
    phase=Phase.TEST,
    kind=FailureKind.REFUSED,
    message="the test was given up on request before it had ended; nothing was changed",
    hint="`rotate now` rotates; RotateSecret with RotateImmediately=false tests again",
)

TEST_OVERTAKEN = "its place was taken by what was asked for after it"

NEW_REFUSED = Failure(
    phase=Phase.RETIRE,
    kind=FailureKind.REFUSED,
    message="the target refuses AWSCURRENT, so the old credential can't be given up",
    hint="`rotate verify` tells what logs in; then try again: rotate retire",
)

OLD_ACCEPTED = Failure(
    phase=Phase.RETIRE,
    kind=FailureKind.REFUSED,
    message="the old credential was retired, but the target still accepts it",
    hint="look how the account is authenticated on the target, then try again: rotate retire",
)

VOID = Failure(
    phase=Phase.RETIRE,
    kind=FailureKind.REFUSED,
    message="abandoned: AWSCURRENT or AWSPENDING has the credential again that this rotation replaced, so it was not "
    "retired",
    hint="`rotate now` rotates on from what is AWSCURRENT",
)

SHARED = Failure(
    phase=Phase.RETIRE,
    kind=FailureKind.REFUSED,
    message="what is AWSCURRENT was stored from outside and shares a part of the credential that is to be retired, or "
    "nobody can tell, so that was not touched and may still log in",
    hint="if `rotate verify` is content, `rotate now` rotates on from it; look on the target what else logs in",
)

SESSIONS_ENDED = "the sessions that used the old credential were ended"

_NAMED = 5


def refused_again(failure: Failure, *, before: int) -> Failure:
    """That the target has refused as many values `before`."""
    if before == 0:
        return failure
    count = f"{before + 1} passwords were refused, each longer and more varied than the one before"
    return replace(failure, message=f"{failure.message}; {count}")


def not_begun(why: str, *, old: str | None) -> Failure:
    """Why an old credential, that of the version `old`, can't be retired as things are."""
    return Failure(
        phase=Phase.RETIRE,
        kind=FailureKind.MISCONFIGURED,
        message=f"the old credential (version {old}) can't be retired as things are, and may still log in: {why}",
        hint="mend that, or take the old credential away on the target by hand",
    )


def still_used(uses: Sequence[Use]) -> Failure:
    """Why the retirement waits."""
    return Failure(
        phase=Phase.RETIRE,
        kind=FailureKind.BUSY,
        message=f"the old credential is still in use by {users(uses)}",
        hint="it is retired when they have ended, or when the wait is over; at once: rotate retire",
    )


def sessions_may_live(why: Failure) -> Failure:
    """The warning of a success after which nobody knows whether sessions of the old credential go on."""
    return replace(
        why,
        message=f"the old credential logs in no more, but sessions that it opened may go on: {why.message}",
        hint=f"end its sessions on the target by hand, or restart the target{f'; {why.hint}' if why.hint else ''}",
    )


def users(uses: Sequence[Use]) -> str:
    """Sessions in words, a few of them by name."""
    named = ", ".join(use.shown for use in uses[:_NAMED])
    return named if len(uses) <= _NAMED else f"{named} and {len(uses) - _NAMED} more"


def not_put_back(first: Failure | None, then: Failure) -> Failure:
    """The reason of the rotation, and why the target could not be put back."""
    if first is None:
        return then
    message = f"{first.message}; and the target could not be put back: {then.message}"
    return replace(first, message=message, hint=then.hint or first.hint)


def with_earlier(earlier: Failure | None, found: Failure) -> Failure:
    """What was found at the end, after what had led there."""
    if earlier is None:
        return found
    return replace(found, message=f"{earlier.message}; {found.message}")
