"""A program that rotates the password in a file, for the rotator `command`; it misbehaves where its settings say so."""

import sys
from pathlib import Path
from typing import Any

from rotator.rotation.declared import declared
from rotator.rotation.registry import RotatorRegistry

_SOURCE = """\
import json, os, subprocess, sys, time

verb, request = sys.argv[-1], json.loads(sys.stdin.buffer.read() or b"{}")
values = {name: json.loads(value["string"]) for name, value in request["values"].items()}
folder, settings = values["current"]["folder"], request["settings"]

def note(name, text, mode="a"):
    with open(os.path.join(folder, name), mode) as file:
        file.write(text)

def password(name):
    return values[name]["password"]

note("asked", verb + "\\n")
note("pids", f"{os.getpid()}\\n")
misbehaviour = settings.get("do") if settings.get("in", "set_secret") == verb else None
if misbehaviour == "exit":
    print(settings.get("errors", "").replace("PASSWORD", password("current")), file=sys.stderr)
    print(settings.get("out", ""))
    sys.exit(int(settings["code"]))
if misbehaviour == "look":
    note("seen", json.dumps({"environment": dict(os.environ), "arguments": sys.argv, "request": request}), "w")
if verb == "preflight":
    print(json.dumps({"overlap": "gap", "changes": ["the file that is named target"]}))
elif verb == "set_secret":
    note("target", password("pending"), "w")
elif verb == "revert_secret":
    note("target", password("current"), "w")
elif verb == "probe":
    with open(os.path.join(folder, "target")) as file:
        print(json.dumps({"proof": "accepted" if file.read() == password(request["candidate"]) else "refused"}))
else:
    sys.exit(17)
if misbehaviour in ("hang", "leave", "flood"):
    note("pids", f"{subprocess.Popen(['sleep', '600']).pid}\\n")
    # Out of the process group, and nobody's child any more.
    escaped = ["sh", "-c", "setsid sleep 600 >/dev/null 2>&1 </dev/null & echo $!"]
    note("pids", subprocess.run(escaped, stdout=subprocess.PIPE, text=True).stdout)
if misbehaviour == "hang":
    time.sleep(600)
if misbehaviour == "print":
    print(settings["out"])
if misbehaviour == "flood":
    sys.stdout.write("x" * (2 << 20))
if misbehaviour == "die":
    os.abort()
"""


def program(folder: Path, source: str = _SOURCE) -> Path:
    """The program, ready to run."""
    path = folder / "program"
    path.write_text(f"#!{sys.executable} -IS\n{source}")
    path.chmod(0o755)
    return path


def registry_with(**commands: dict[str, Any]) -> RotatorRegistry:
    """The registry with these programs declared, as the configuration would give them."""
    defaults = {"timeout": 30.0, "environment": ()}
    return RotatorRegistry.load(
        declared({name: defaults | options for name, options in commands.items()}, {})
    )
