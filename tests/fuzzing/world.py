"""A server with secrets of several accounts, and what must hold of every answer that it gives.

Nothing is a fault of the server's (no 5xx, no event in its log that says so, no traceback), no value is told to who may
not have it, and a call that is refused leaves the store as it was.
"""

import hashlib
import io
import socket
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException
from random import Random
from typing import Final

from botocore.credentials import Credentials

from rotator import telemetry
from rotator.access.credentials import brought_along
from rotator.errors import RotatorError
from rotator.model.caller import Caller, CallerKind
from rotator.sdk import SecretValue
from tests.fuzzing.messages import Message, Messages
from tests.fuzzing.server import Served
from tests.fuzzing.values import Memory, Values
from tests.support.api import ABROAD, KEYS
from tests.support.leaks import forms
from tests.support.manager import ME, REGION, THE_ENGINE
from tests.support.raw_http import Answer, answer_on

MALLORY: Final = Credentials("AKIAMALLORYMALLORY00", "s3cret-access-key-of-mallory-0123456789a")
_FAR = Caller(kind=CallerKind.LOCAL, name="far", account="999999999999", region=REGION)
_ROTATES_EVERY = 250  # requests
_MOST_SECRETS = 60
_PLANTED = "pl4nted-value-that-nobody-may-see-"
_OWN = "pl4nted-value-of-alice-"
# The rest is an account of what happened: the audit, and when something was used last.
_STATE = {
    "secrets": "accessed_on",
    "versions": "accessed_on",
    "labels": "",
    "tags": "",
    "rotations": "",
    "principals": "",
    "access_keys": "used_on",
}


class Broken(AssertionError):
    """Something that must hold doesn't."""


@dataclass(slots=True)
class World:
    """One run."""

    served: Served
    seed: int
    log: io.StringIO
    chance: Random = field(init=False)
    memory: Memory = field(default_factory=Memory)
    answers: Counter[str] = field(default_factory=Counter)
    hidden: list[str] = field(default_factory=list)
    _before: tuple[object, ...] = ()
    _connection: socket.socket | None = None
    _state: str = ""

    def __post_init__(self) -> None:
        self.chance = Random(self.seed)

    def prepare(self) -> None:
        """Plants secrets, and makes a principal who may nothing."""
        manager = self.served.api.house.manager
        manager.create_principal(**ME, principal="mallory")
        given = brought_along(MALLORY.access_key, MALLORY.secret_key)
        manager.create_access_key(**ME, principal="mallory", given=given)
        for number in range(3):
            planted = manager.create_secret(
                caller=_FAR,
                request_id="planting",
                name=f"far/{number}",
                value=SecretValue(string=f"{_PLANTED}{number}"),
            )
            self.hidden += [planted.arn, planted.name]
            own = manager.create_secret(
                **ME, name=f"own/{number}", value=SecretValue(string=f"{_OWN}{number}")
            )
            self.memory.learn({"ARN": own.arn, "Name": own.name})
        self._state = self._digest()

    def run(self, requests: int) -> None:
        """Sends so many, one after the other."""
        values = Values(self.chance, self.memory, tuple(self.hidden))
        messages = Messages(self.served.api.address, self.chance, values)
        for number in range(requests):
            if number % _ROTATES_EVERY == _ROTATES_EVERY - 1:
                self._meanwhile()
            is_alice = self.chance.random() < 0.9
            region = self.chance.choice((REGION, REGION, REGION, ABROAD))
            message = messages.next(KEYS if is_alice else MALLORY, region)
            answer = self._sent(message)
            try:
                self._check(message, answer, is_alice=is_alice)
            except Broken as broken:
                raise Broken(
                    f"seed {self.seed}, request {number}: {broken}\n{message.content!r}\n{answer}\n"
                    f"before it: {self._before}"
                ) from None
            self._before = (message.content, answer)
        if self._connection is not None:
            self._connection.close()

    def _sent(self, message: Message) -> Answer | None:
        """The answer; None where the connection was ended instead, which only what is no HTTP may lead to."""
        if message.alters:
            with closing(
                socket.create_connection(self.served.hasty.address, timeout=60)
            ) as connection:
                return _asked(connection, message.content)
        if self._connection is None:
            self._connection = socket.create_connection(self.served.api.address, timeout=60)
        answer = _asked(self._connection, message.content)
        if answer is None or answer.headers.get("connection") == "close":
            self._connection.close()
            self._connection = None
        return answer

    def _check(self, message: Message, answer: Answer | None, *, is_alice: bool) -> None:
        self.answers[_kind(answer)] += 1
        is_done = answer is not None and answer.status == 200
        before, self._state = self._state, self._digest()
        if not is_done and before != self._state:
            raise Broken("a call that was refused has changed something")
        self._check_log()
        if answer is None:
            if not message.alters:
                raise Broken("the connection was ended")
            return
        if answer.status >= 500 or b"Traceback" in answer.body:
            raise Broken("a fault of the server's")
        if any(form in answer.body for form in _FORBIDDEN):
            raise Broken("a value of another account was told")
        if is_done:
            if not is_alice and answer.json.get("SecretValues") != []:
                raise Broken("who may nothing was answered")  # but for a batch, which tells errors
            self.memory.learn(answer.json)
        else:
            _check_refusal(message, answer)

    def _check_log(self) -> None:
        if not self.log.tell():
            return
        told = self.log.getvalue()
        self.log.seek(0)
        self.log.truncate()
        if "request.failed" in told or "Traceback" in told:
            raise Broken(f"the log tells of a fault: {told}")
        if _PLANTED in told or _OWN in told:
            raise Broken("a value is in the log")

    def _meanwhile(self) -> None:
        """What a daemon does, and what keeps the store small."""
        house = self.served.api.house
        for arn in list(self.memory.arns)[:5]:
            try:
                house.engine(parks=True).run_due(arn, **THE_ENGINE)
            except RotatorError:
                continue
        page = house.manager.list_secrets(**ME)
        for secret in page.secrets[_MOST_SECRETS:]:
            house.manager.delete_secret(**ME, secret_id=secret.arn, force_without_recovery=True)
        self._state = self._digest()

    def _digest(self) -> str:
        digest = hashlib.sha256()
        with closing(sqlite3.connect(f"file:{self.served.store}?mode=ro", uri=True)) as store:
            store.execute("BEGIN")
            for table, left_out in _STATE.items():
                columns = [row[1] for row in store.execute(f"PRAGMA table_info({table})")]
                wanted = ", ".join(column for column in columns if column != left_out)
                for row in store.execute(f"SELECT {wanted} FROM {table} ORDER BY 1, 2"):
                    digest.update(repr(row).encode("utf-8", "surrogatepass"))
        return digest.hexdigest()


_FORBIDDEN = {form for number in range(3) for form in forms(f"{_PLANTED}{number}")}
_OWN_FORMS = {form for number in range(3) for form in forms(f"{_OWN}{number}")}


def _check_refusal(message: Message, answer: Answer) -> None:
    if any(form in answer.body for form in _OWN_FORMS):
        raise Broken("a refusal tells a value")
    if not message.alters and answer.code is None:
        raise Broken("a refusal has no code")
    if not message.alters and answer.status not in {400, 413}:
        raise Broken("a refusal has another status")


def _asked(connection: socket.socket, content: bytes) -> Answer | None:
    try:
        connection.sendall(content)
        return answer_on(connection)
    except (ConnectionError, HTTPException):
        return None


def _kind(answer: Answer | None) -> str:
    if answer is None:
        return "ended"
    return "ok" if answer.status == 200 else answer.code or str(answer.status)


@contextmanager
def world_on(served: Served, seed: int) -> Iterator[World]:
    """A world on a server of its own, whose log is looked at."""
    log = io.StringIO()
    telemetry.configure(level="info", json=True, stream=log)
    try:
        world = World(served, seed, log)
        world.prepare()
        yield world
    finally:
        telemetry.configure(level="warning")
