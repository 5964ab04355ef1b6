"""A rotation function that is a Python file on this machine, run unmodified in a process of its own."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rotator.sdk import Misconfigured, OutcomeUnknown, Rotation, SecretValue, clock, scrub
from rotator.sdk.functions import FunctionAccess, FunctionHost
from rotators.external import permissions
from rotators.external.protocol import KEPT_ERRORS, ExternalBug, parsed
from rotators.external.surroundings import passed_on
from rotators.functions.event import event_of, invocation_id
from rotators.functions.rotator import FunctionFailed, FunctionRotator, Step, plaintexts

_RUNTIME = Path(__file__).with_name("runtime.py")
_MARGIN = (
    0.2  # seconds before the deadline at which a function is ended, so that its end is seen in time
)


class LocalFunction(FunctionRotator):
    """Runs the `lambda_handler` of a file, which ends with each invocation, and at the step's deadline.

    Args:
        name: as it is registered.
        file: its absolute path.
        interpreter: absolute path of the Python that has what it imports; None: the one that runs this.
        environment: names of variables that it gets besides a few that every program needs.
        timeout: seconds for one step; the rotation's own limit may be shorter.
    """

    name = "function"

    def __init__(
        self,
        *,
        name: str,
        host: FunctionHost,
        file: str,
        interpreter: str | None,
        environment: Sequence[str],
        timeout: float,
    ) -> None:
        super().__init__(name=name, host=host)
        self._file = file
        self._interpreter = interpreter or sys.executable
        self._environment = tuple(environment)
        self._timeout = timeout

    def check(self, *, seconds: float) -> None:
        """Nothing, where the file can be run.

        Raises:
            Misconfigured: it can't, or other users may change it.
        """
        del seconds
        if not Path(self._interpreter).is_file():
            raise Misconfigured(
                f"there is no interpreter {self._interpreter}, which {self.name} is to be run by",
                hint=f"name another: rotate function add {self.name} {self._file} --interpreter PYTHON",
            )
        permissions.check((self._interpreter, self._file))
        if not Path(self._file).is_file():
            raise Misconfigured(f"there is no file {self._file}", hint="see `rotate function list`")

    def invoke(self, step: Step, rotation: Rotation) -> None:
        """Runs the file for a step.

        Raises:
            Misconfigured: it can't be run, is no function, or other users may change it.
            OutcomeUnknown: it raised an exception, or was ended at the deadline.
        """
        from rotators.external.program import run  # processes are needed by few commands only

        self.check(seconds=rotation.remaining())
        deadline = min(rotation.deadline - _MARGIN, clock() + self._timeout)
        access = self.host.access(rotation)
        request = {
            "event": event_of(step, rotation),
            "deadline": deadline,
            "request_id": invocation_id(),
            "function_name": self.name,
            "function_arn": _arn(rotation.secret_arn, self.name),
        }
        # It must not tell what it signs with either.
        signs = (access.secret_access_key, access.session_token)
        hidden = [*plaintexts(rotation), *(SecretValue(string=secret) for secret in signs)]
        rotation.check_deadline()
        begun = clock()
        try:
            ended = run(
                [self._interpreter, str(_RUNTIME), self._file],
                json.dumps(request).encode(),
                environment={**passed_on(self._environment), **_surroundings(self.name, access)},
                deadline=deadline,
            )
        except ExternalBug as error:
            raise OutcomeUnknown(f"{self.name} answered nonsense in {step}: {error}") from None
        except OutcomeUnknown:
            if clock() < deadline:
                raise
            raise OutcomeUnknown(
                f"{self.name} did not end in time in {step}, and was killed after {clock() - begun:.0f} s",
                hint=f"see what it waits for, or give it longer: its timeout is {self._timeout:g} s, and a step may "
                "take rotation.step_limit",
            ) from None
        for line in _lines(ended.errors):
            rotation.log.debug(scrub(line, hidden), function=self.name, step=str(step))
        self._judge(step, ended.code, parsed(ended.out), hidden)

    def _judge(
        self, step: Step, code: int, answer: dict[str, Any] | None, hidden: Sequence[SecretValue]
    ) -> None:
        match answer:
            case {"done": True} if code == 0:
                return
            case {"error_type": str(kind), "error_message": str(said), "invoked": False}:
                raise Misconfigured(
                    f"{self.name} was not invoked, for {self._file} can't be loaded: {kind}: {scrub(said, hidden)}",
                    hint=f"it needs a lambda_handler(event, context), and what it imports in {self._interpreter}; "
                    "another interpreter: rotate function add --interpreter",
                )
            case {"error_type": str(kind), "error_message": str(said), "line": line, **more}:
                raise FunctionFailed(
                    function=self.name,
                    step=step,
                    kind=kind,
                    said=scrub(said, hidden),
                    answered=[str(more[key]) for key in ("code", "call") if key in more],
                    where=f"{self._file}:{line}" if isinstance(line, int) else None,
                    log="that line, and rotator's log at the level debug for what it printed",
                )
        how = f"died of signal {-code}" if code < 0 else f"ended with exit code {code}"
        raise OutcomeUnknown(
            f"{self.name} {how} in {step} before its handler returned",
            hint=f"see whether {self._interpreter} is a Python 3 that runs it: {self._interpreter} {self._file}",
        )


def _surroundings(name: str, access: FunctionAccess) -> Mapping[str, str]:
    """What a function finds in its environment: as on Lambda, with the API's endpoint."""
    found = {
        "SECRETS_MANAGER_ENDPOINT": access.endpoint,
        # For a function that names no endpoint: SDKs look here.
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": access.endpoint,
        "AWS_ACCESS_KEY_ID": access.access_key_id,
        "AWS_SECRET_ACCESS_KEY": access.secret_access_key,
        "AWS_SESSION_TOKEN": access.session_token,
        "AWS_REGION": access.region,
        "AWS_DEFAULT_REGION": access.region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "PYTHONUNBUFFERED": "1",
    }
    if access.trust is not None:
        found["AWS_CA_BUNDLE"] = access.trust
    return found


def _lines(errors: bytes) -> list[str]:
    """What it printed last. Of a line that was cut the rest is left out: it may begin within a secret."""
    if len(errors) >= KEPT_ERRORS:
        _, _, errors = errors.partition(b"\n")
    return errors.decode(errors="replace").splitlines()


def _arn(secret_arn: str, name: str) -> str:
    _, partition, _, region, account, *_ = secret_arn.split(":")
    return f"arn:{partition}:lambda:{region}:{account}:function:{name}"
