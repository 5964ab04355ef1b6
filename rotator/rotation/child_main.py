"""What runs in a rotator's own process: requests from one pipe, answers to another, a JSON line each.

Nothing of the store, the keys or the manager is imported here. The pipes are moved out of the plugin's way: what it
prints can't be taken for an answer, and what it starts can't read the next request.
"""

import json
import os
from importlib.metadata import entry_points
from typing import Any, TextIO

from rotator.rotation.child_guard import Guard
from rotator.rotation.registry import why_unusable
from rotator.sdk import Candidate, Misconfigured, Rotation, Rotator, SecretValue, StepError, Use

_WITHOUT_ANSWER = frozenset(
    {
        "set_secret",
        "test_secret",
        "finish_secret",
        "revert_secret",
        "retire_secret",
        "end_older_sessions",
    }
)
_REINSTALL = "reinstall or update its package; `rotate plugins` shows where it comes from"


def main() -> None:
    """Serves requests until there are no more."""
    requests, answers = (
        os.dup(0),
        os.dup(1),
    )  # duplicates are not inherited by what the plugin starts
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    guard = Guard(requests)
    with open(requests, encoding="utf-8") as lines, open(answers, "w", encoding="utf-8") as out:  # noqa: PTH123
        serve(lines, out, guard)
    guard.stand_down()


def serve(requests: TextIO, answers: TextIO, guard: Guard) -> None:
    """Answers each request; the first one names the entry point."""
    rotator: Rotator | None = None
    for line in requests:
        request = json.loads(line)
        with guard.verb(request["deadline"]):
            try:
                if rotator is None:
                    rotator = _load(request["group"], request["name"])
                answer = json.dumps({"result": _call(rotator, request)})
            except StepError as error:
                answer = json.dumps(error.to_wire())
            except Exception as error:  # noqa: BLE001  # a plugin may raise anything
                answer = json.dumps({"bug": f"{type(error).__name__}: {error}"})
        answers.write(answer + "\n")
        answers.flush()
    if rotator is not None:
        rotator.close()


def _load(group: str, name: str) -> Rotator:
    try:
        (point,) = entry_points(group=group, name=name)
        found = point.load()
        problem = why_unusable(found, point.value)
        rotator: Rotator | None = None if problem else found()
    except (Exception, SystemExit) as error:  # noqa: BLE001  # importing a plugin may raise anything
        raise Misconfigured(
            f"the rotator {name} can't be loaded: {type(error).__name__}: {error}",
            hint=_REINSTALL,
        ) from None
    if rotator is None:
        raise Misconfigured(f"the rotator {name} can't be loaded: {problem}", hint=_REINSTALL)
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
    if verb == "check_settings":
        return rotator.check_settings(request["settings"])
    rotation = Rotation.from_wire(request["rotation"], settings_model=rotator.settings_model)
    match verb:
        case "preflight":
            return rotator.preflight(rotation).to_wire()
        case "create_secret":
            return rotator.create_secret(rotation).to_wire()
        case "probe":
            return str(rotator.probe(rotation, Candidate(request["candidate"])))
        case "log_in":
            return str(rotator.log_in(rotation, Candidate(request["candidate"])))
        case "in_use":
            return [use.to_wire() for use in rotator.in_use(rotation)]
        case "end_use":
            rotator.end_use(rotation, [Use.from_wire(use) for use in request["uses"]])
            return None
        case _ if verb in _WITHOUT_ANSWER:
            getattr(rotator, verb)(rotation)
            return None
        case _:
            raise ValueError(f"no such verb: {verb}")


if __name__ == "__main__":
    main()
