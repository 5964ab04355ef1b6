"""Rotation functions for tests that run in the test's own process and call the manager in place of the API."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint
from typing import Any

from rotator.errors import ResourceNotFound
from rotator.manager.manager import SecretsManager
from rotator.model.caller import Caller, CallerKind, RotationRun
from rotator.rotation.registry import HostedEntry, RotatorEntry, RotatorRegistry
from rotator.sdk import Rotation, Rotator, SecretValue, StepError
from rotator.sdk.functions import FunctionHost
from rotators.functions.rotator import FunctionFailed, FunctionRotator, Step
from tests.support.manager import ACCOUNT, REGION

NAME = "a-function"


@dataclass
class Target:
    """What the function changes: one password; and what the function is to do wrong.

    Attributes:
        calls: each invocation's step and token.
        mishaps: called at the beginning of a step, by the name of the step, once.
        moves: whether finishSecret moves AWSCURRENT itself.
    """

    password: str
    manager: SecretsManager
    calls: list[tuple[str, str]] = field(default_factory=list)
    runs: list[RotationRun] = field(default_factory=list)
    mishaps: dict[str, list[Callable[["Invocation"], None]]] = field(default_factory=dict)
    moves: bool = True

    @property
    def steps(self) -> list[str]:
        return [step for step, _ in self.calls]


@dataclass(frozen=True)
class Invocation:
    """One invocation, with the calls that a function makes of the API."""

    target: Target
    step: Step
    caller: Caller
    run: RotationRun

    @property
    def who(self) -> Any:
        return {"caller": self.caller, "request_id": f"function-{self.run.rotation_id}"}

    def value(self, stage: str, version: str | None = None) -> dict[str, Any] | None:
        try:
            found = self.target.manager.get_secret_value(
                **self.who,
                secret_id=self.run.secret_arn,
                version_id=version,
                version_stage=stage,
            )
        except ResourceNotFound:
            return None
        return found.value.fields()

    def put(self, value: Mapping[str, Any], **changes: Any) -> None:
        parameters: dict[str, Any] = {
            "client_request_token": self.run.token,
            "version_stages": ["AWSPENDING"],
        }
        self.target.manager.put_secret_value(
            **self.who,
            secret_id=self.run.secret_arn,
            value=SecretValue(string=json.dumps(value)),
            **parameters | changes,
        )

    def finish(self) -> None:
        described = self.target.manager.describe_secret(**self.who, secret_id=self.run.secret_arn)
        at = {label: v for v, labels in described.versions.items() for label in labels}
        self.target.manager.update_secret_version_stage(
            **self.who,
            secret_id=self.run.secret_arn,
            version_stage="AWSCURRENT",
            move_to_version_id=self.run.token,
            remove_from_version_id=at["AWSCURRENT"],
        )

    def is_current(self) -> bool:
        described = self.target.manager.describe_secret(**self.who, secret_id=self.run.secret_arn)
        return "AWSCURRENT" in described.versions.get(self.run.token, ())

    def do(self) -> None:
        """What a function written to AWS's contract does."""
        if self.is_current():
            return
        match self.step:
            case Step.CREATE:
                if self.value("AWSPENDING", self.run.token) is None:
                    current = self.value("AWSCURRENT")
                    assert current is not None
                    number = int(current["password"].removeprefix("password-")) + 1
                    self.put({**current, "password": f"password-{number}"})
            case Step.SET:
                pending = self.value("AWSPENDING", self.run.token)
                assert pending is not None
                self.target.password = pending["password"]
            case Step.TEST:
                pending = self.value("AWSPENDING", self.run.token)
                assert pending is not None
                assert pending["password"] == self.target.password
            case Step.FINISH:
                if self.target.moves:
                    self.finish()


class InProcess(FunctionRotator):
    """Calls `Invocation.do`."""

    name = NAME

    def __init__(self, *, name: str, host: FunctionHost, target: Target) -> None:
        super().__init__(name=name, host=host)
        self._target = target

    def check(self, *, seconds: float) -> None:
        del seconds

    def invoke(self, step: Step, rotation: Rotation) -> None:
        target = self._target
        run = RotationRun(
            secret_arn=rotation.secret_arn,
            admin_arn=rotation.authority.admin,
            rotation_id=rotation.rotation_id,
            token=rotation.token,
            fencing=rotation.fencing,
        )
        caller = Caller(
            kind=CallerKind.FUNCTION,
            name=run.rotation_id,
            account=ACCOUNT,
            region=REGION,
            run=run,
        )
        target.calls.append((str(step), rotation.token))
        target.runs.append(run)
        invocation = Invocation(target, step, caller, run)
        mishaps = target.mishaps.get(str(step), [])
        try:
            if mishaps:
                mishaps.pop(0)(invocation)
            invocation.do()
        except StepError:
            raise
        except Exception as error:
            raise FunctionFailed(
                function=self.name, step=step, kind=type(error).__name__, said=str(error)
            ) from error


@dataclass(frozen=True)
class InProcessEntry(HostedEntry):
    """The entry of such a function."""

    def hosted(self, host: FunctionHost) -> Rotator:
        return InProcess(name=self.name, host=host, **self.options)


def registry_with(target: Target) -> RotatorRegistry:
    """The built-in rotators, and one that invokes a function on `target`."""
    point = EntryPoint(NAME, "rotators.functions:LocalFunction", "rotator.declared")
    entry: RotatorEntry = InProcessEntry(
        NAME, point, section=f"functions.{NAME}", options={"target": target}
    )
    return RotatorRegistry.load([entry])
