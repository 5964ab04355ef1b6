"""What runs in a rotator's own process: requests from standard input, answers on standard output, a JSON line each.

It imports the SDK and the plugin only. Its standard output is moved out of the plugin's way, so that a `print` can't be
taken for an answer.
"""

import json
import os
import sys
from importlib.metadata import entry_points
from typing import Any, TextIO

from rotator.sdk import Candidate, Rotation, Rotator, SecretValue, StepError


def main() -> None:
    """Serves requests until standard input ends, which it does when the engine dies."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    serve(sys.stdin, answers)


def serve(requests: TextIO, answers: TextIO) -> None:
    """Answers each request; the first one names the entry point."""
    rotator: Rotator | None = None
    for line in requests:
        request = json.loads(line)
        try:
            if rotator is None:
                rotator = _load(request["group"], request["name"])
            answer = {"result": _call(rotator, request)}
        except StepError as error:
            answer = error.to_wire()
        except Exception as error:  # noqa: BLE001  # a plugin may raise anything
            answer = {"bug": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
    if rotator is not None:
        rotator.close()


def _load(group: str, name: str) -> Rotator:
    (point,) = entry_points(group=group, name=name)
    rotator: Rotator = point.load()()
    return rotator


def _call(rotator: Rotator, request: dict[str, Any]) -> Any:
    verb = request["verb"]
    if verb == "claims":
        claimed = rotator.claims(SecretValue.from_wire(request["value"]))
        return {
            "host": claimed.host,
            "port": claimed.port,
            "admin": claimed.admin,
            "users": list(claimed.users),
        }
    rotation = Rotation.from_wire(request["rotation"])
    match verb:
        case "preflight":
            return rotator.preflight(rotation).to_wire()
        case "create_secret":
            return rotator.create_secret(rotation).to_wire()
        case "probe":
            return str(rotator.probe(rotation, Candidate(request["candidate"])))
        case "set_secret" | "test_secret" | "revert" | "end_older_sessions":
            getattr(rotator, verb)(rotation)
            return None
        case _:
            raise ValueError(f"no such verb: {verb}")


if __name__ == "__main__":
    main()
