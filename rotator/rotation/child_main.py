"""What runs in a rotator's own process: requests from one pipe, answers to another, a JSON line each.

Nothing of the store, the keys or the manager is imported here. The pipes are moved out of the plugin's way: what it
prints can't be taken for an answer, and what it starts can't read the next request.
"""

import json
import os
import resource
import threading
from dataclasses import asdict, replace
from importlib.metadata import entry_points
from typing import Any, TextIO

from rotator.rotation.answers import Nonsense, checked
from rotator.rotation.child_guard import Guard
from rotator.rotation.child_warden import goes_on_below
from rotator.rotation.loading import loaded
from rotator.rotation.telling import text
from rotator.sdk import Candidate, Misconfigured, Rotation, Rotator, SecretValue, StepError, Use
from rotator.sdk.log import LogLine

_REINSTALL = "reinstall or update its package; `rotate plugins` shows where it comes from"


def main() -> None:
    """Serves requests until there are no more."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a crash leaves no values on the disk
    watched = goes_on_below()
    requests, answers = (
        os.dup(0),
        os.dup(1),
    )  # duplicates are not inherited by what the plugin starts
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    guard = Guard(requests, watched=watched)
    with open(requests, encoding="utf-8") as lines, open(answers, "w", encoding="utf-8") as out:  # noqa: PTH123
        serve(lines, out, guard)
    guard.stand_down()


def serve(requests: TextIO, answers: TextIO, guard: Guard) -> None:
    """Answers each request; the first one names the entry point."""
    rotator: Rotator | None = None
    out = _Answers(answers)
    for line in requests:
        request = json.loads(line)
        answer: dict[str, Any]
        with guard.verb(request["deadline"]):
            try:
                if request["verb"] == "facts":
                    answer = {"result": _facts(request["group"], request["name"])}
                else:
                    rotator = rotator or _load(request["group"], request["name"])
                    answer = {"result": _call(rotator, request, out)}
            except StepError as error:
                answer = error.to_wire()
            except Nonsense as nonsense:
                answer = {"bug": str(nonsense)}
            except Exception as error:  # noqa: BLE001  # a plugin may raise anything
                failed = f"failed in {request['verb']} with {type(error).__name__}"
                # Nobody knows yet what would have to be blanked of a value that is being made.
                said = "" if request["verb"] == "create_secret" else f": {text(error)}"
                answer = {"bug": f"{failed}{said}"}
        out.write(answer)
    if rotator is not None:
        rotator.close()


def _load(group: str, name: str) -> Rotator:
    found = _class(group, name)
    if not isinstance(found, str):
        try:
            return found()
        except (Exception, SystemExit) as error:  # noqa: BLE001  # a plugin may raise anything
            found = f"{type(error).__name__}: {text(error)}"
    raise Misconfigured(f"the rotator {name} can't be loaded: {found}", hint=_REINSTALL)


def _class(group: str, name: str) -> type[Rotator] | str:
    points = tuple(entry_points(group=group, name=name))
    if len(points) != 1:
        return f"it is brought by {len(points)} packages"
    return loaded(points[0])


def _facts(group: str, name: str) -> dict[str, Any]:
    from rotator.rotation.facts import RotatorFacts  # a rotation needs none of them

    return RotatorFacts.of(_class(group, name)).to_wire()


def _call(rotator: Rotator, request: dict[str, Any], out: "_Answers") -> Any:
    verb = request["verb"]
    call = getattr(rotator, verb)
    match verb:
        case "issues_value":
            return call is True
        case "check_settings":
            return dict(checked(verb, call(request["settings"])))
        case "claims":
            return asdict(checked(verb, call(SecretValue.from_wire(request["value"]))))
    rotation = replace(
        Rotation.from_wire(request["rotation"], settings_model=rotator.settings_model), sink=out.log
    )
    match verb:
        case "probe" | "log_in":
            return str(checked(verb, call(rotation, Candidate(request["candidate"]))))
        case "end_use":
            uses = [Use.from_wire(use) for use in request["uses"]]
            return checked(verb, call(rotation, uses))
        case "in_use":
            return [use.to_wire() for use in checked(verb, call(rotation))]
        case "preflight" | "create_secret":
            return checked(verb, call(rotation)).to_wire()
        case _:
            return checked(verb, call(rotation))


class _Answers:
    """The pipe to the engine; threads of the plugin may log at the same time."""

    def __init__(self, answers: TextIO) -> None:
        self._answers = answers
        self._lock = threading.Lock()

    def write(self, answer: dict[str, Any]) -> None:
        """Sends one answer."""
        line = json.dumps(answer)
        with self._lock:
            self._answers.write(line + "\n")
            self._answers.flush()

    def log(self, line: LogLine) -> None:
        """Sends one line of the log."""
        self.write({"log": asdict(line)})


if __name__ == "__main__":
    main()
