"""Values for the members of requests: fitting ones, ones at the limits, and others, out of botocore's model."""

import base64
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from rotator.manager import limits
from tests.support.manager import ACCOUNT, POLICY, REGION

_MOST_REMEMBERED = 40
_WRONG = 0.02  # of all values are of another type than the model says
_LEFT_OUT = 0.02  # of required members
_NOTHING_LIKE_IT = 0.08  # of texts that have a meaning are any text
_LONGEST = 5000  # characters, where the model allows more
_LABELS = ("AWSCURRENT", "AWSPENDING", "AWSPREVIOUS", "blue", "green")
_ROTATORS = (
    "generic-password",
    "postgresql-single-user",
    "arn:aws:lambda:eu-central-1:123456789012:function:generic-password",
    "arn:aws:lambda:eu-central-1:123456789012:function:nobody",
    "",
)
_SCHEDULES = (
    "rate(4 hours)",
    "rate(10 days)",
    "cron(0 4 ? * SUN *)",
    "rate(0 days)",
    "cron(* * *)",
)
_AWKWARD = (
    "",
    " ",
    "\0",
    "'",
    "%s%n{0}{x}",
    "'; DROP TABLE secrets; --",
    "../../etc/passwd",
    "\ud800",
    "\u202e\u0000\ufeff",
    "aws:reserved",
    "arn:aws:secretsmanager:::secret:",
    "arn:aws:secretsmanager:eu-central-1:999999999999:secret:other-AbCdEf",
    "a" * 513,
    "!" * 3,
    "\U0001d518\U0001d52b" * 30,
)


def _memory() -> deque[str]:
    return deque(maxlen=_MOST_REMEMBERED)


@dataclass(slots=True)
class Memory:
    """What answers have told, to be sent again."""

    names: deque[str] = field(default_factory=_memory)
    arns: deque[str] = field(default_factory=_memory)
    versions: deque[str] = field(default_factory=_memory)
    cursors: deque[str] = field(default_factory=_memory)

    def learn(self, answer: Any) -> None:
        """Notes what stands anywhere in an answer."""
        match answer:
            case dict():
                for key, value in answer.items():
                    self._note(key, value)
                    self.learn(value)
            case list():
                for item in answer:
                    self.learn(item)

    def _note(self, key: str, value: Any) -> None:
        kept = {
            "Name": self.names,
            "ARN": self.arns,
            "VersionId": self.versions,
            "NextToken": self.cursors,
        }
        if key in kept and isinstance(value, str) and value not in kept[key]:
            kept[key].append(value)


@dataclass(frozen=True, slots=True)
class Values:
    """Makes inputs.

    Attributes:
        hidden: names and ARNs of secrets that whoever asks may not have.
    """

    chance: Random
    memory: Memory
    hidden: tuple[str, ...]

    def operation(self) -> str:
        """One of the operations; those that read and write values come more often."""
        often = ("CreateSecret", "PutSecretValue", "GetSecretValue", "DeleteSecret", "RotateSecret")
        every = sorted(limits.operations())
        return self.chance.choice([*every, *often])

    def input_of(self, operation: str) -> Any:
        """What an operation may be asked with."""
        if self.chance.random() < _WRONG / 4:
            return self.anything(3)
        return self._structure(limits.operations()[operation]["input"]["shape"])

    def anything(self, depth: int) -> Any:
        """Any JSON."""
        choice = self.chance.randrange(10 if depth else 7)
        match choice:
            case 0:
                return None
            case 1:
                return self.chance.choice((True, False))
            case 2:
                return self.chance.choice((0, -1, 1, 2**31, 2**63, -(2**63) - 1, 10**40))
            case 3:
                return self.chance.choice((0.5, -0.0, 1e308, float("nan"), float("inf")))
            case 4 | 5 | 6:
                return self.chance.choice(_AWKWARD)
            case 7 | 8:
                return [self.anything(depth - 1) for _ in range(self.chance.randrange(4))]
            case _:
                keys = ("SecretId", "Key", "", "x")
                return {key: self.anything(depth - 1) for key in keys[: self.chance.randrange(5)]}

    def _structure(self, name: str) -> dict[str, Any]:
        shape = limits.shapes()[name]
        required = set(shape.get("required", ()))
        # Raw requests need them, though the model lets SDKs fill them in; a filter without its parts is soon refused.
        required |= {"ClientRequestToken", "Key", "Value", "Values", "Region"} & shape[
            "members"
        ].keys()
        given = {}
        for member, inner in shape["members"].items():
            wanted = 1 - _LEFT_OUT if member in required else 0.3
            if self.chance.random() < wanted:
                given[member] = self._value(inner["shape"])
        if self.chance.random() < _WRONG:
            given[self.chance.choice(("Unknown", "__type", "secretid"))] = self.anything(2)
        return given

    def _value(self, name: str) -> Any:
        if self.chance.random() < _WRONG:
            return self.anything(2)
        shape = limits.shapes()[name]
        match shape["type"]:
            case "string":
                return self._text(name, shape)
            case "blob":
                return self._blob()
            case "boolean":
                return self.chance.choice((True, False))
            case "integer" | "long":
                return self._whole(shape)
            case "list":
                most = min(shape.get("max", 3), 60) + 1
                size = self.chance.choice((0, 1, 1, 1, 2, 3, most))
                return [self._value(shape["member"]["shape"]) for _ in range(size)]
            case _:
                return self._structure(name)

    def _whole(self, shape: Mapping[str, Any]) -> int:
        low, high = shape.get("min", 0), shape.get("max", 100)
        near = (low, low + 1, high, high - 1, low - 1, high + 1, 7, 30, 0, -1, 2**31, 2**63 - 1)
        return self.chance.choice(near)

    def _blob(self) -> str:
        if self.chance.random() < 0.1:
            return self.chance.choice(("%%%", "YQ", "YQ==YQ==", "\ud800"))
        return base64.b64encode(self.chance.randbytes(self.chance.randrange(60))).decode()

    def _text(self, name: str, shape: Mapping[str, Any]) -> str:
        if "enum" in shape and self.chance.random() > _NOTHING_LIKE_IT:
            return str(self.chance.choice(shape["enum"]))
        fitting = self._fitting().get(name)
        if fitting is not None and self.chance.random() > _NOTHING_LIKE_IT:
            return fitting()
        return self._any_text(shape)

    def _any_text(self, shape: Mapping[str, Any]) -> str:
        if self.chance.random() < 0.3:
            return self.chance.choice(_AWKWARD)
        low, high = shape.get("min", 0), min(shape.get("max", 60), _LONGEST)
        length = self.chance.choice((low, low + 1, high, high + 1, max(low - 1, 0), 8, 20))
        letters = self.chance.choice(("abcXYZ019-/_+=.@!", 'ab c\n\t"\\<>&', "äß€\U0001d518\u0301"))
        return "".join(self.chance.choices(letters, k=length))

    def _fitting(self) -> Mapping[str, Callable[[], str]]:
        chance, memory = self.chance, self.memory
        named = [*memory.names, *memory.arns, *self.hidden, "fuzz/none"]
        return {
            "SecretIdType": lambda: chance.choice(named),
            "NameType": lambda: f"fuzz/{chance.randrange(40)}",
            "ClientRequestTokenType": lambda: chance.choice(
                (str(uuid.UUID(int=chance.getrandbits(128))), *list(memory.versions)[-3:])
            ),
            "SecretVersionIdType": lambda: chance.choice((*memory.versions, str(uuid.UUID(int=1)))),
            "SecretVersionStageType": lambda: chance.choice(_LABELS),
            "NextTokenType": lambda: self._altered(chance.choice((*memory.cursors, "eyJ4IjoxfQ"))),
            "RotationLambdaARNType": lambda: chance.choice(_ROTATORS),
            "ScheduleExpressionType": lambda: chance.choice(_SCHEDULES),
            "DurationType": lambda: chance.choice(("3h", "1h", "99h")),
            "NonEmptyResourcePolicyType": lambda: self._altered(POLICY),
            "KmsKeyIdType": lambda: chance.choice(("alias/aws/secretsmanager", "none", "")),
            "RegionType": lambda: chance.choice((REGION, "us-east-1", "nowhere-1")),
            "SecretARNType": lambda: f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:far-AbCdEf",
            "SecretStringType": lambda: f"value-{chance.getrandbits(64):x}",
        }

    def _altered(self, text: str) -> str:
        """The text, or one that somebody has changed a little."""
        if self.chance.random() < 0.6 or not text:
            return text
        at = self.chance.randrange(len(text))
        return text[:at] + self.chance.choice(("", "A", '"', "{", "\\")) + text[at + 1 :]
