"""Functions that are invoked over the Lambda Invoke API: the contract, what each answer means, and who is refused."""

import json
import socket
import threading
from collections.abc import Iterator

import pytest

from rotator.manager import limits
from rotator.sdk import (
    Misconfigured,
    OutcomeUnknown,
    Rotation,
    SecretValue,
    StepError,
    TargetBusy,
    TargetUnreachable,
    clock,
)
from rotator.sdk.functions import FunctionAccess
from rotator.sdk.rotation_token import run_of
from rotators.functions import LambdaFunction
from rotators.functions.event import event_of
from rotators.functions.rotator import Step
from tests.support.api import served
from tests.support.hosted import hosting
from tests.support.house import House
from tests.support.lambda_service import Answer, LambdaService, arn_of, lambda_service, refusal
from tests.support.manager import ACCOUNT, ME, REGION

ARN = arn_of("a-function")


class _Nowhere:
    """What a function elsewhere needs of the engine: nothing."""

    def access(self, rotation: Rotation) -> FunctionAccess:
        raise AssertionError(rotation)

    def stored(self, rotation: Rotation) -> SecretValue | None:
        raise AssertionError(rotation)


@pytest.fixture
def service() -> Iterator[LambdaService]:
    """A Lambda service that answers what it is told, and has no functions."""
    with lambda_service({}, {}) as service:
        yield service


def _rotation(*, seconds: float = 10.0) -> Rotation:
    return Rotation(
        rotation_id="0" * 32,
        secret_arn=f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:db-AbCdEf",
        secret_name="db",
        token="4f2c6a9e-0000-4000-8000-000000000001",
        fencing=7,
        attempt=1,
        values={},
        deadline=clock() + seconds,
    )


def _invoke(service: LambdaService, step: Step = Step.SET) -> None:
    function = LambdaFunction(name=ARN, host=_Nowhere(), **service.options())
    try:
        function.invoke(step, _rotation())
    finally:
        function.close()


def _function_error(kind: str, said: str) -> Answer:
    body = json.dumps({"errorType": kind, "errorMessage": said}).encode()
    return Answer(200, body, {"X-Amz-Function-Error": "Unhandled"})


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [
        (_function_error("ValueError", "no such user"), OutcomeUnknown),
        (_function_error("Runtime.ImportModuleError", "No module named 'x'"), Misconfigured),
        (Answer(200, b"[]", {"X-Amz-Function-Error": "Unhandled"}), OutcomeUnknown),
        (refusal(500, "ServiceException", "out of order"), OutcomeUnknown),
        (refusal(429, "TooManyRequestsException", "slow down"), TargetBusy),
        (refusal(409, "ResourceConflictException", "it is being updated"), TargetBusy),
        (refusal(404, "ResourceNotFoundException", "not found"), Misconfigured),
        (refusal(403, "AccessDeniedException", "not authorized"), Misconfigured),
        (refusal(502, "InvalidRuntimeException", "no such runtime"), OutcomeUnknown),
    ],
)
def test_each_answer_says_what_is_known(
    service: LambdaService, answer: Answer, meaning: type[StepError]
) -> None:
    """An answer is of the class that says whether the function was invoked; nothing is sent twice."""
    service.answers += [answer, Answer(200, b"null")]
    with pytest.raises(StepError) as failure:
        _invoke(service)
    assert isinstance(failure.value, meaning)
    assert len(service.answers) == 1


def test_what_an_exception_says_is_told_except_while_a_value_is_made(
    service: LambdaService,
) -> None:
    """The text of an exception helps whoever reads it; that of createSecret may be the new value."""
    service.answers += [_function_error("KeyError", "'value-8472'")] * 2
    with pytest.raises(OutcomeUnknown, match="setSecret with KeyError: 'value-8472'"):
        _invoke(service)
    with pytest.raises(OutcomeUnknown) as failure:
        _invoke(service, Step.CREATE)
    assert failure.value.message == f"{ARN} failed in createSecret with KeyError"


def test_where_nobody_listens_nothing_was_invoked(service: LambdaService) -> None:
    """A refused connection is no invocation."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        service.url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(TargetUnreachable):
            _invoke(service)


def test_an_answer_is_waited_for_until_the_deadline(service: LambdaService) -> None:
    """After that nobody knows what the function has done."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        service.url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        function = LambdaFunction(name=ARN, host=_Nowhere(), **service.options())
        with pytest.raises(OutcomeUnknown, match="its answer was lost"):
            function.invoke(Step.SET, _rotation(seconds=0.5))
        function.close()


def test_the_event_is_the_contracts() -> None:
    """It has step, ARN, the version's id, and a RotationToken that PutSecretValue takes."""
    rotation = _rotation()
    event = event_of(Step.TEST, rotation)
    assert event == {
        "Step": "testSecret",
        "SecretId": rotation.secret_arn,
        "ClientRequestToken": rotation.token,
        "RotationToken": event["RotationToken"],
    }
    limits.check("PutSecretValue", RotationToken=event["RotationToken"])
    assert run_of(event["RotationToken"]) == (rotation.rotation_id, rotation.fencing)


@pytest.mark.parametrize("invocable", [True, False])
def test_rotate_secret_names_what_can_be_invoked(house: House, *, invocable: bool) -> None:
    """RotateSecret with an ARN that can't be invoked is refused in AWS's words, and nothing is stored."""
    house.manager.create_secret(**ME, name="db", value=SecretValue.from_json({"password": "one"}))
    with (
        lambda_service({}, {}) as service,
        hosting(house, {}, elsewhere=service.options()) as hosted,
        served(hosted) as api,
    ):
        service.answers += [Answer(204)] if invocable else []
        client = api.client()
        ask = {
            "SecretId": "db",
            "RotationLambdaARN": ARN,
            "RotationRules": {"AutomaticallyAfterDays": 3},
        }
        if invocable:
            client.rotate_secret(**ask)
            assert client.describe_secret(SecretId="db")["RotationLambdaARN"] == ARN
            return
        with pytest.raises(client.exceptions.ClientError) as refusal:
            client.rotate_secret(**ask)
        said = refusal.value.response["Error"]
        assert said["Code"] == "AccessDeniedException"
        assert said["Message"].startswith("Secrets Manager cannot invoke the specified Lambda")
        assert "RotationEnabled" not in client.describe_secret(SecretId="db")


@pytest.mark.parametrize(
    "begun", [b"HTTP/1.1 200 OK\r\nX-", b"HTTP/1.1 200 OK\r\nX-Amz-Function-Error: U\r\n\r\n"]
)
def test_an_answer_that_never_ends_is_not_waited_for(begun: bytes) -> None:
    """Piece after piece, each in time: a server that goes on like that holds up no step beyond its deadline."""
    over = threading.Event()

    def dribble(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(begun)
            while not over.wait(0.05):
                connection.sendall(b"a")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=dribble, args=(listener,), daemon=True)
        server.start()
        options = {
            "endpoint": f"http://127.0.0.1:{listener.getsockname()[1]}",
            "region": REGION,
            "access_key_id": "AKIA",
            "secret_access_key": "secret",
            "session_token": None,
            "trust": None,
        }
        function = LambdaFunction(name=ARN, host=_Nowhere(), **options)
        try:
            with pytest.raises(OutcomeUnknown, match="its answer was lost"):
                function.invoke(Step.SET, _rotation(seconds=2.0))
            assert server.is_alive()
        finally:
            over.set()
            function.close()
            server.join()
