"""The rotator that a program of yours is, declared under `commands` in the configuration."""

from collections.abc import Sequence
from typing import Any

from rotator.sdk import Rotation, clock
from rotators.external import permissions, protocol
from rotators.external.protocol import ExternalBug
from rotators.external.rotator import ExternalRotator
from rotators.external.surroundings import passed_on

EXIT_CODES = {
    10: "TargetRefused",
    11: "LoginRefused",
    12: "AdminLoginRefused",
    13: "TargetBusy",
    14: "TargetUnreachable",
    15: "OutcomeUnknown",
    16: "Misconfigured",
    17: "NotSupported",
    18: "RevertDegraded",
    19: "PasswordRefused",
}
"""Exit codes and the classes of the SDK that they stand for. 0 is done; every other is a bug with an unknown outcome:
shells and interpreters use the small ones and those from 126 on for their own failures."""

_SHOWN_ERRORS = 1000  # characters


class Command(ExternalRotator):
    """Runs a program for each verb: the verb is its last argument, the request its standard input.

    Args:
        argv: the program's absolute path and its first arguments.
        timeout: seconds for one run; the rotation's own limit may be shorter.
        environment: names of variables that it gets besides a few that every program needs.
        issues_value: its target makes the new value.
    """

    name = "command"

    def __init__(
        self,
        *,
        name: str,
        argv: Sequence[str],
        timeout: float,
        environment: Sequence[str],
        issues_value: bool = False,
    ) -> None:
        super().__init__(name=name, issues_value=issues_value)
        self.summary = f"the program {argv[0]}"  # type: ignore[misc]  # as the name
        self._argv = tuple(argv)
        self._timeout = timeout
        self._environment = tuple(environment)

    def exchange(self, verb: str, request: bytes, rotation: Rotation) -> dict[str, Any]:
        """What the program answered on its standard output, or the error that its exit code stands for."""
        from rotators.external.program import run  # processes are needed by few commands only

        permissions.check(self._argv)
        ended = run(
            [*self._argv, verb],
            request,
            environment=passed_on(self._environment),
            deadline=min(rotation.deadline, clock() + self._timeout),
        )
        if ended.code == 0:
            return protocol.answer(verb, ended.out)
        # What a program that fails to make a value writes may be that value, which nobody could blank.
        told = "" if verb == "create_secret" else _last_words(ended.errors)
        if ended.code in EXIT_CODES:
            found = protocol.parsed(ended.out) or {}
            raise protocol.failure(EXIT_CODES[ended.code], found, otherwise=told)
        how = (
            f"ended with exit code {ended.code}"
            if ended.code > 0
            else f"died of signal {-ended.code}"
        )
        raise ExternalBug(f"{self._argv[0]} {how} in {verb}" + (f": {told}" if told else ""))


def _last_words(errors: bytes) -> str:
    text = " ".join(errors.decode(errors="replace").split())
    return text if len(text) <= _SHOWN_ERRORS else f"… {text[-_SHOWN_ERRORS:]}"
