"""A rotation function that is invoked over the Lambda Invoke API: AWS's, an emulator's, a compatible server's.

https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

import json
from collections.abc import Callable
from functools import cache, partial
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any, NoReturn

from rotator.sdk import (
    Misconfigured,
    OutcomeUnknown,
    Rotation,
    StepError,
    TargetBusy,
    TargetUnreachable,
    scrub,
)
from rotator.sdk.functions import FunctionHost
from rotators.functions.event import event_of
from rotators.functions.rotator import FunctionFailed, FunctionRotator, Step, plaintexts

_BUSY = frozenset(
    {
        "TooManyRequestsException",
        "ThrottlingException",
        "ResourceConflictException",
        "ResourceNotReadyException",
        "EC2ThrottledException",
        "ENILimitReachedException",
        "SnapStartNotReadyException",
        "ServiceQuotaExceededException",
    }
)
_NOT_LOADED = frozenset(
    {
        "Runtime.ImportModuleError",
        "Runtime.UserCodeSyntaxError",
        "Runtime.HandlerNotFound",
        "Runtime.MalformedHandlerName",
    }
)
_CONNECT = 5.0  # seconds
_MARGIN = 0.2  # seconds before the deadline at which an answer is no longer waited for
_SERVERS_FAULT = 500
_LARGEST_FAILURE = 1024 * 1024  # bytes: more than is shown of one by far
_SESSION_LOCK = Lock()  # a session makes one client at a time


class LambdaFunction(FunctionRotator):
    """Invokes the function that an ARN names, and waits for its answer. What failed is never repeated by itself.

    Args:
        name: the ARN.
        endpoint: of the Lambda API; None: AWS's own.
        region: None: the one in the ARN.
        access_key_id: None: boto3 looks for credentials as it always does.
        trust: path of the CA bundle, None for boto3's own.
    """

    name = "lambda"

    def __init__(
        self,
        *,
        name: str,
        host: FunctionHost,
        endpoint: str | None,
        region: str | None,
        access_key_id: str | None,
        secret_access_key: str | None,
        session_token: str | None,
        trust: str | None,
    ) -> None:
        super().__init__(name=name, host=host)
        self._endpoint = endpoint
        self._region = region or name.split(":")[3]
        self._keys = (access_key_id, secret_access_key, session_token)
        self._trust = trust
        self._client: Any = None

    def check(self, *, seconds: float) -> None:
        """Nothing, where the function may be invoked; it is not (DryRun).

        Raises:
            StepError: it may not, or nobody answers.
        """
        self._call({}, seconds=seconds, kind="DryRun")

    def invoke(self, step: Step, rotation: Rotation) -> None:
        """Invokes it for a step.

        Raises:
            TargetUnreachable, TargetBusy, Misconfigured: it was not invoked.
            OutcomeUnknown: it raised an exception, or nobody knows what became of it.
        """
        rotation.check_deadline()
        seconds = max(0.1, rotation.remaining() - _MARGIN)
        failure = self._call(event_of(step, rotation), seconds=seconds, kind="RequestResponse")
        if failure is not None:
            kind, said = _error_in(failure)
            said = scrub(said, plaintexts(rotation))
            if kind in _NOT_LOADED:
                raise Misconfigured(
                    f"{self.name} was not invoked, for its code can't be loaded: {kind}: {said}",
                    hint="deploy it with what it imports, and name its handler",
                )
            raise FunctionFailed(function=self.name, step=step, kind=kind, said=said)

    def close(self) -> None:
        """Ends the connection."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _call(self, event: dict[str, str], *, seconds: float, kind: str) -> bytes | None:
        """What the function said of its failure; None where it did not fail."""
        from botocore import exceptions as failures  # by whoever has functions elsewhere alone

        try:
            client = self._connected(seconds)
            given = {"InvocationType": kind, "Payload": json.dumps(event).encode()}
            return _within(seconds, partial(_invoked, client, FunctionName=self.name, **given))
        except failures.ClientError as error:
            self._refused(error.response)
        except (failures.EndpointConnectionError, failures.ConnectTimeoutError) as error:
            raise TargetUnreachable(f"{self._where} can't be reached: {error}") from None
        except failures.SSLError as error:
            raise Misconfigured(
                f"{self._where} can't prove who it is: {error}",
                hint="name the authority that signed its certificate in tls.trust",
            ) from None
        except (failures.HTTPClientError, TimeoutError) as error:
            raise OutcomeUnknown(
                f"{self.name} was invoked, but its answer was lost: {type(error).__name__}",
                hint="where it needs longer, raise rotation.step_limit; its own time limit should be shorter than that",
            ) from None
        except (failures.BotoCoreError, ValueError) as error:
            raise Misconfigured(
                f"{self.name} can't be invoked: {error}",
                hint="see the section lambda of the configuration",
            ) from None

    @property
    def _where(self) -> str:
        return self._endpoint or f"the Lambda API of {self._region}"

    def _connected(self, seconds: float) -> Any:
        from botocore.config import Config

        self.close()
        key, secret, token = self._keys
        with _SESSION_LOCK:
            self._client = _session().client(
                "lambda",
                region_name=self._region,
                endpoint_url=self._endpoint,
                verify=self._trust,
                aws_access_key_id=key,
                aws_secret_access_key=secret,
                aws_session_token=token,
                config=Config(
                    connect_timeout=min(_CONNECT, seconds),
                    read_timeout=seconds,
                    retries={"total_max_attempts": 1},
                ),
            )
        return self._client

    def _refused(self, response: Any) -> NoReturn:
        """What an error of the Lambda API itself means: the function was not invoked, unless the server failed."""
        code = str(response.get("Error", {}).get("Code"))
        said = str(response.get("Error", {}).get("Message") or "no reason was given")
        status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        kind: type[StepError] = Misconfigured
        if code in _BUSY or status == 429:  # Too Many Requests
            kind = TargetBusy
        elif status >= _SERVERS_FAULT:
            kind = OutcomeUnknown
        raise kind(f"{self._where} did not invoke {self.name}: {code}: {said}")


def _invoked(client: Any, **given: Any) -> bytes | None:
    answer = client.invoke(**given)
    if "FunctionError" not in answer:
        return None
    told: bytes = answer["Payload"].read(_LARGEST_FAILURE)
    return told


def _within(seconds: float, invoke: Callable[[], bytes | None]) -> bytes | None:
    """What it gives. The limits of botocore are those of each piece of an answer, so it works in a thread that is given
    up when the time is over.

    Raises:
        TimeoutError: it is.
    """
    answers: SimpleQueue[tuple[bytes | None, Exception | None]] = SimpleQueue()

    def work() -> None:
        try:
            answers.put((invoke(), None))
        except Exception as error:  # noqa: BLE001  # it is raised again where it is waited for
            answers.put((None, error))

    Thread(target=work, name="rotator-invoke", daemon=True).start()
    try:
        told, error = answers.get(timeout=seconds)
    except Empty:
        raise TimeoutError from None
    if error is not None:
        raise error
    return told


@cache
def _session() -> Any:
    """What has read the description of the API, once: that takes longer than an invocation."""
    try:
        import boto3
    except ImportError:
        raise Misconfigured(
            "Lambda functions are invoked with boto3, which is not installed",
            hint="pip install 'rotator-engine[aws]'",
        ) from None
    return boto3.session.Session()


def _error_in(payload: bytes) -> tuple[str, str]:
    """The class and the text of the exception that a function ended with."""
    try:
        found = json.loads(payload)
        return str(found.get("errorType") or "an exception"), str(found.get("errorMessage") or "")
    except (ValueError, AttributeError, RecursionError):
        return "an exception", ""
