"""A program and an endpoint that keep to docs/plugins.md pass the suite that authors of plugins get."""

import json
import os
import secrets
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from rotator.sdk import Overlap, SecretValue
from rotator.testing.conformance import ConformanceTarget, RotatorConformance
from rotator.testing.conformance.bench import Bench
from rotators.external import Command, Webhook
from tests.support.documentation import shown

_PLACE = "ROTATOR_TEST_PLACE"
"""Where program or endpoint are: the processes that the suite kills find them by it."""


class DocumentedProgram(Command):
    """The program of the documentation."""

    def __init__(self) -> None:
        argv = (sys.executable, "-IS", os.environ[_PLACE])
        super().__init__(name="documented", argv=argv, timeout=20.0, environment=())


class Files(ConformanceTarget):
    """A file for each credential, which has the password that is accepted."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def new_credential(self, name: str) -> SecretValue:
        path = self._folder / name.replace("/", "_")
        path.write_text(secrets.token_urlsafe(18))
        return SecretValue.from_json({"path": str(path), "password": path.read_text()})

    def logs_in(self, value: SecretValue) -> bool:
        fields = value.fields()
        return bool(Path(fields["path"]).read_text() == fields["password"])


class TestProgram(RotatorConformance):
    """The documentation's program, word for word."""

    rotator = DocumentedProgram
    hostile_names = ("100%s %d%%",)  # of files; a program is given no name but in JSON

    @pytest.fixture
    def target(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ConformanceTarget:
        program = tmp_path / "program"
        program.write_text(shown("plugins.md", language="python", having="sys.exit(17)"))
        program.chmod(0o755)
        monkeypatch.setenv(_PLACE, str(program))
        targets = tmp_path / "targets"
        targets.mkdir()
        return Files(targets)


_ISSUING = """\
import json, os, pathlib, secrets, sys

request = json.load(sys.stdin)
values = {name: json.loads(value["string"]) for name, value in request["values"].items()}
keys, token = pathlib.Path(values["current"]["path"]), request["rotation"]["token"]

def issued():
    return [file for file in keys.iterdir() if file.read_text() == token]

match sys.argv[1]:
    case "preflight":
        print(json.dumps({"overlap": "dual"}))
    case "create_secret":  # a key is shown once, so one that nobody has kept is of no use
        for file in issued():
            file.unlink()
        made = secrets.token_urlsafe(18)
        unnamed = keys.parent / f"{os.getpid()}.new"
        unnamed.write_text(token)
        unnamed.rename(keys / made)
        print(json.dumps({"value": {"string": json.dumps(values["current"] | {"password": made})}}))
    case "set_secret":
        pass
    case "probe":
        accepted = (keys / values[request["candidate"]]["password"]).exists()
        print(json.dumps({"proof": "accepted" if accepted else "refused"}))
    case "revert_secret":
        for file in issued():
            file.unlink()
    case "retire_secret":
        (keys / values["current"]["password"]).unlink(missing_ok=True)
    case _:
        sys.exit(17)
"""


class IssuingProgram(Command):
    """A program whose target makes the keys."""

    overlap = Overlap.DUAL

    def __init__(self) -> None:
        argv = (sys.executable, "-IS", os.environ[_PLACE])
        super().__init__(name="issuing", argv=argv, timeout=20.0, environment=(), issues_value=True)


class Folders(ConformanceTarget):
    """A folder for each credential, in which there is a file for each key."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def new_credential(self, name: str) -> SecretValue:
        folder = self._folder / secrets.token_hex(8)
        folder.mkdir()
        key = secrets.token_urlsafe(18)
        (folder / key).write_text("first")
        return SecretValue.from_json({"path": str(folder), "password": key, "name": name})

    def logs_in(self, value: SecretValue) -> bool:
        return value.fields()["password"] in self.keys(value)

    def keys(self, value: SecretValue) -> set[str]:
        """All that is accepted."""
        return {file.name for file in Path(value.fields()["path"]).iterdir()}


class TestIssuingProgram(RotatorConformance):
    """A program that is declared with `issues_value`."""

    rotator = IssuingProgram
    hostile_names = ()  # a program is given no name but in JSON, as the one above shows

    @pytest.fixture
    def target(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ConformanceTarget:
        program = tmp_path / "program"
        program.write_text(_ISSUING)
        program.chmod(0o755)
        monkeypatch.setenv(_PLACE, str(program))
        targets = tmp_path / "targets"
        targets.mkdir()
        return Folders(targets)

    def _resume(self, bench: Bench, target: ConformanceTarget, name: str, point: int) -> None:
        super()._resume(bench, target, name, point)
        value = self._current(bench, name)
        assert isinstance(target, Folders)
        assert target.keys(value) == {value.fields()["password"]}, f"killed at {point}"


class LocalEndpoint(Webhook):
    """An endpoint on this machine."""

    def __init__(self) -> None:
        super().__init__(name="local", url=os.environ[_PLACE], key="k" * 32, timeout=20.0)


class Passwords(ConformanceTarget):
    """The endpoint's users and their passwords."""

    def __init__(self) -> None:
        self.users: dict[str, str] = {}

    def new_credential(self, name: str) -> SecretValue:
        self.users[name] = secrets.token_urlsafe(18)
        return SecretValue.from_json({"username": name, "password": self.users[name]})

    def logs_in(self, value: SecretValue) -> bool:
        fields = value.fields()
        return bool(self.users[fields["username"]] == fields["password"])

    def handle(self, request: Any) -> dict[str, str] | None:
        """The answer to a verb; None where it isn't known."""
        values = {name: json.loads(value["string"]) for name, value in request["values"].items()}
        match request["verb"]:
            case "set_secret":
                self.users[values["pending"]["username"]] = values["pending"]["password"]
            case "revert_secret":
                self.users[values["current"]["username"]] = values["current"]["password"]
            case "probe":
                accepted = self.logs_in(SecretValue.from_json(values[request["candidate"]]))
                return {"proof": "accepted" if accepted else "refused"}
            case _:
                return None
        return {}


class TestEndpoint(RotatorConformance):
    """An endpoint that knows the verbs that a program has to know."""

    rotator = LocalEndpoint

    @pytest.fixture
    def target(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[ConformanceTarget]:
        target = Passwords()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                answer = target.handle(request)
                self.send_response(501 if answer is None else 200)
                self.end_headers()
                self.wfile.write(json.dumps(answer or {}).encode())

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            monkeypatch.setenv(_PLACE, f"http://127.0.0.1:{server.server_port}/")
            serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
            serving.start()
            yield target
            server.shutdown()
            serving.join()
