"""The verbs of a rotator whose steps are those of a rotation function: someone else's code, which reads and writes the
secret through the API.
"""

import re
from abc import abstractmethod
from collections.abc import Sequence
from enum import StrEnum

from rotator.sdk import (
    Authority,
    Candidate,
    Misconfigured,
    NotSupported,
    OutcomeUnknown,
    Overlap,
    Proof,
    Rotation,
    Rotator,
    SecretValue,
)
from rotator.sdk.functions import FunctionHost
from rotators.databases.fields import Fields
from rotators.external.rotator import AnySettings

_CLASS = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,99}")
_LONGEST = 1000  # characters of what a function says that are shown
_CLONE = "_clone"  # AWS's functions that take turns add it to the first user's name


class Step(StrEnum):
    """What a function is asked for, as its event says it."""

    CREATE = "createSecret"
    SET = "setSecret"
    TEST = "testSecret"
    FINISH = "finishSecret"


class FunctionFailed(OutcomeUnknown):
    """The function was invoked, and raised an exception.

    Args:
        kind: the exception's class, as the function named it.
        said: its text, which may be anything, without the values that are known.
        answered: what a service answered to it, and to which call: codes, not texts.
        where: in which line of which file.
        log: where what it printed is to be found, in words.
    """

    def __init__(
        self,
        *,
        function: str,
        step: Step,
        kind: str,
        said: str,
        answered: Sequence[str] = (),
        where: str | None = None,
        log: str = "the function's own log",
    ) -> None:
        # What it says while it makes a value may be that value, which nobody could blank.
        tells = step is not Step.CREATE and said
        codes = [code for code in answered if _CLASS.fullmatch(code)]
        super().__init__(
            f"{function} failed in {step} with {_name(kind)}"
            + (f" ({', '.join(codes)})" if codes else "")
            + (f" at {where}" if where else "")
            + (f": {_cut(said)}" if tells else ""),
            hint=f"see {log}"
            if tells or step is not Step.CREATE
            else f"its text is left out, for it may be the new value; see {log}",
        )


class FunctionRotator(Rotator):
    """Invokes a function for each step.

    Args:
        name: by which it was chosen.
        host: what the engine gives to invokers.
    """

    overlap = Overlap.GAP
    issues_value = True
    settings_model = AnySettings

    def __init__(self, *, name: str, host: FunctionHost) -> None:
        self.name = name  # type: ignore[misc]  # a class variable in the interface
        self.host = host

    @abstractmethod
    def invoke(self, step: Step, rotation: Rotation) -> None:
        """Has the function do a step.

        Raises:
            StepError: it failed, or could not be invoked.
        """

    @abstractmethod
    def check(self, *, seconds: float) -> None:
        """Nothing, where the function can be invoked; it is not.

        Raises:
            StepError: it can't, or nobody answers within `seconds`.
        """

    def claims(self, value: SecretValue) -> Authority:
        """Server and admin secret as AWS's database secrets name them, and the user where there is an admin secret:
        without the ending of the second user, where two take turns. Nothing for a value without them.

        Raises:
            Misconfigured: one of them has something else in it.
        """
        try:
            given = value.fields()
        except Misconfigured:
            return Authority()
        fields = Fields(values=given, product=self.name)
        admin, username = fields.optional_text("masterarn"), fields.optional_text("username")
        users = () if admin is None or username is None else (username.removesuffix(_CLONE),)
        return Authority(
            host=fields.optional_text("host"),
            port=fields.optional_port(),
            admin=admin,
            users=users,
        )

    def create_secret(self, rotation: Rotation) -> SecretValue:
        """What the function has stored under the token.

        Raises:
            OutcomeUnknown: it says that it is done, and has stored nothing.
        """
        self.invoke(Step.CREATE, rotation)
        stored = self.host.stored(rotation)
        if stored is None:
            raise OutcomeUnknown(
                f"{self.name} ended {Step.CREATE} without an error, but has stored no value",
                hint="it has to call PutSecretValue with the ClientRequestToken of the event and VersionStages "
                '["AWSPENDING"], at the endpoint that it was given',
            )
        return stored

    def set_secret(self, rotation: Rotation) -> None:
        """As the function does it."""
        self.invoke(Step.SET, rotation)

    def test_secret(self, rotation: Rotation) -> None:
        """As the function does it."""
        self.invoke(Step.TEST, rotation)

    def finish_secret(self, rotation: Rotation) -> None:
        """As the function does it. Where it doesn't move AWSCURRENT, the engine will."""
        self.invoke(Step.FINISH, rotation)

    def probe(self, rotation: Rotation, candidate: Candidate) -> Proof:
        """Not to be known.

        Raises:
            NotSupported: always.
        """
        del rotation, candidate
        raise NotSupported("a rotation function can't tell which value the target accepts")

    def revert_secret(self, rotation: Rotation) -> None:
        """Not to be had.

        Raises:
            NotSupported: always.
        """
        del rotation
        raise NotSupported("a rotation function can't put the target back")

    can_probe = False
    can_revert = False


def plaintexts(rotation: Rotation) -> list[SecretValue]:
    """What a function knows of a rotation and must not tell."""
    return [*rotation.known, *([rotation.admin] if rotation.admin else [])]


def _name(kind: str) -> str:
    return kind if _CLASS.fullmatch(kind) else "an exception"


def _cut(said: str) -> str:
    text = " ".join(said.split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"
