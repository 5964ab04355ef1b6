"""Makes calls, and keeps what was answered in a form that two servers can be compared by."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_SUFFIX = re.compile(r"(:secret:[A-Za-z0-9/_+=.@!-]*)-[A-Za-z0-9]{6}(?![A-Za-z0-9])")
_UNORDERED = {"Tags", "VersionStages", "Versions", "ReplicationStatus"}

Answers = dict[str, Any]


@dataclass
class Recorder:
    """Calls one server.

    Attributes:
        clients: region → boto3's client.
        prefix: with which the names of this run's secrets begin.
        answers: label of a call → what was answered, or the error.
        asked: the parameters that were used, as `Operation.Parameter`.
        told: the members that answers had, likewise.
    """

    clients: Mapping[str, Any]
    prefix: str
    answers: Answers = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)
    told: set[str] = field(default_factory=set)

    def __call__(
        self, label: str, operation: str, region: str = "eu-central-1", **given: Any
    ) -> Any:
        """Makes one call; gives boto3's answer, or an empty one where it was refused."""
        assert label not in self.answers, label
        client = self.clients[region]
        name = client.meta.method_to_api_mapping[operation]
        self.asked |= {name, *(f"{name}.{parameter}" for parameter in given)}
        try:
            answer = getattr(client, operation)(**given)
        except ClientError as error:
            found = error.response["Error"]
            self.answers[label] = {
                "error": found["Code"],
                "message": self._plain(found["Message"]),
            }
            return {}
        answer.pop("ResponseMetadata")
        self.told |= {f"{name}.{member}" for member in answer}
        self.answers[label] = self._plain(answer)
        return answer

    def _plain(self, value: Any, *, name: str = "") -> Any:
        match value:
            case datetime():
                return "<time>"
            case dict():
                return {
                    self._plain(key): self._plain(item, name=key) for key, item in value.items()
                }
            case list():
                items = [self._plain(item) for item in value]
                return sorted(items, key=repr) if name in _UNORDERED else items
            case str() if name == "NextToken":
                return "<token>"
            case str() if name == "RandomPassword":
                return f"<{len(value)} characters>"
            case str():
                text = value.replace(self.prefix, "app")
                return _UUID.sub("<uuid>", _SUFFIX.sub(r"\1-XXXXXX", text))
        return value
