"""Rotators around the one under test: they call it twice, lose its answers, fail where it succeeded."""

from collections.abc import Callable
from typing import Any

from rotator.sdk import OutcomeUnknown, Rotation, Rotator, TargetRefused

VERBS = (
    "claims",
    "preflight",
    "create_secret",
    "set_secret",
    "test_secret",
    "finish_secret",
    "probe",
    "revert_secret",
    "retire_secret",
    "in_use",
    "end_use",
    "end_older_sessions",
)
CHANGING = frozenset(
    {"set_secret", "test_secret", "finish_secret", "revert_secret", "retire_secret"}
)

Verb = Callable[..., Any]


def around(rotator: Rotator, change: Callable[[str, Verb], Verb]) -> Rotator:
    """The same rotator, whose verbs `change` may replace."""
    for verb in VERBS:
        setattr(rotator, verb, change(verb, getattr(rotator, verb)))
    return rotator


def twice(rotator: Rotator) -> Rotator:
    """Every changing verb is called twice, as after a crash that came before its answer was written down."""

    def repeated(verb: str, call: Verb) -> Verb:
        def both(*arguments: Any) -> Any:
            call(*arguments)
            return call(*arguments)

        return both if verb in CHANGING else call

    return around(rotator, repeated)


def refusing_the_test(rotator: Rotator) -> Rotator:
    """What setSecret has set doesn't do."""

    def refused(_: Rotation) -> None:
        raise TargetRefused("the conformance suite refuses the new value")

    return around(rotator, lambda verb, call: refused if verb == "test_secret" else call)


class LosingAnswers:
    """The first answer of setSecret is lost, after the change or before it."""

    def __init__(self, *, changed: bool) -> None:
        self._changed = changed
        self._lost = False

    def __call__(self, rotator: Rotator) -> Rotator:
        """Around a rotator."""

        def losing(verb: str, call: Verb) -> Verb:
            def once(*arguments: Any) -> Any:
                if self._lost:
                    return call(*arguments)
                self._lost = True
                if self._changed:
                    call(*arguments)
                raise OutcomeUnknown("the conformance suite lost the answer")

            return once if verb == "set_secret" else call

        return around(rotator, losing)
