"""Rotators for tests: one that behaves, and some that don't. Their target is a file, named in the secret's JSON.

What the file `target` holds is the password that logs in. Each rotator notes its process in `pids`.
"""

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rotator.sdk import (
    Authority,
    Candidate,
    Finding,
    Level,
    Overlap,
    PasswordPolicy,
    Preflight,
    Proof,
    Rotation,
    Rotator,
    SecretValue,
    TargetBusy,
    TargetRefused,
    Use,
)

_FOR_EVER = 600


class FileRotator(Rotator):
    """Changes the password in a file: one credential only, so that the old one dies as the new one is set."""

    overlap = Overlap.GAP

    def claims(self, value: SecretValue) -> Authority:
        return Authority(host="localhost", users=(value.fields()["username"],))

    def preflight(self, rotation: Rotation) -> Preflight:
        self._note_process(rotation)
        return Preflight(overlap=self.overlap)

    def create_secret(self, rotation: Rotation) -> SecretValue:
        fields = rotation.value(Candidate.CURRENT).fields()
        return SecretValue.from_json(fields | {"password": PasswordPolicy().generate()})

    def set_secret(self, rotation: Rotation) -> None:
        self._change(rotation.value(Candidate.PENDING))

    def test_secret(self, rotation: Rotation) -> None:
        if self.probe(rotation, Candidate.PENDING) is Proof.REFUSED:
            raise TargetRefused("the new password is not in the file")

    def probe(self, rotation: Rotation, candidate: Candidate) -> Proof:
        fields = rotation.value(candidate).fields()
        stored = self._file(fields, "target").read_text()
        return Proof.ACCEPTED if stored == fields["password"] else Proof.REFUSED

    def revert_secret(self, rotation: Rotation) -> None:
        self._change(rotation.value(Candidate.CURRENT))

    def retire_secret(self, rotation: Rotation) -> None:
        self._file(rotation.value(Candidate.CURRENT).fields(), "retired").touch()

    def in_use(self, rotation: Rotation) -> tuple[Use, ...]:
        using = self._file(rotation.value(Candidate.CURRENT).fields(), "using")
        lines = using.read_text().split() if using.exists() else ()
        return tuple(Use(user="app", client=line) for line in lines)

    def end_use(self, rotation: Rotation, uses: Sequence[Use]) -> None:
        using = self._file(rotation.value(Candidate.CURRENT).fields(), "using")
        ended = {use.client for use in uses}
        using.write_text(" ".join(c for c in using.read_text().split() if c not in ended))

    def _change(self, value: SecretValue) -> None:
        fields = value.fields()
        self._file(fields, "target").write_text(fields["password"])

    def _note_process(self, rotation: Rotation) -> None:
        with self._file(rotation.value(Candidate.CURRENT).fields(), "pids").open("a") as pids:
            pids.write(f"{os.getpid()}\n")

    @staticmethod
    def _file(fields: dict[str, Any], name: str) -> Path:
        return Path(fields["folder"]) / name


class Generic(FileRotator):
    """A value that lives in the store only."""

    name = "generic"
    aliases = ("GenericAlias",)
    summary = "A value that nothing outside knows"
    overlap = Overlap.NONE

    def set_secret(self, rotation: Rotation) -> None:
        self._note_process(rotation)

    def test_secret(self, rotation: Rotation) -> None:
        self._note_process(rotation)

    def probe(self, rotation: Rotation, candidate: Candidate) -> Proof:
        return Rotator.probe(self, rotation, candidate)


class Hanging(FileRotator):
    """Changes the file and never answers."""

    name = "hanging"

    def set_secret(self, rotation: Rotation) -> None:
        super().set_secret(rotation)
        time.sleep(_FOR_EVER)


class Deaf(FileRotator):
    """Is busy with something else from the start, so that nobody reads the requests."""

    name = "deaf"

    def __init__(self) -> None:
        time.sleep(_FOR_EVER)


class Crashing(FileRotator):
    """Dies in the middle of its change, at first before it and then after it."""

    name = "crashing"

    def set_secret(self, rotation: Rotation) -> None:
        crashed = self._file(rotation.value(Candidate.CURRENT).fields(), "crashed")
        if crashed.exists():
            super().set_secret(rotation)
        crashed.touch()
        os.abort()


class Printing(FileRotator):
    """Prints what looks like an answer, and reads its standard input, itself and through a program."""

    name = "printing"

    def set_secret(self, rotation: Rotation) -> None:
        print(json.dumps({"result": "printed"}), flush=True)  # noqa: T201  # that is the mistake
        os.write(1, b'{"error": "TargetRefused", "message": "written", "hint": null}\n')
        subprocess.run([sys.executable, "-c", "print(input('password: '))"], check=False)
        sys.stdin.read()
        super().set_secret(rotation)


class Telling(FileRotator):
    """Fails with the password in its message, quoted in several ways."""

    name = "telling"

    def set_secret(self, rotation: Rotation) -> None:
        value = rotation.value(Candidate.PENDING)
        raise KeyError(value.fields()["password"], value.string)

    def preflight(self, rotation: Rotation) -> Preflight:
        password = rotation.value(Candidate.CURRENT).fields()["password"]
        warning = Finding(
            level=Level.WARNING, message=f"weak: {password}", remedy=f"not {password}"
        )
        return Preflight(overlap=Overlap.GAP, findings=(warning,), changes=(f"{password} goes",))

    def claims(self, value: SecretValue) -> Authority:
        if value.fields().get("tell"):
            raise ValueError(f"can't use {value.string!r}")
        return super().claims(value)


class Leaking(FileRotator):
    """Leaves a program running."""

    name = "leaking"

    def set_secret(self, rotation: Rotation) -> None:
        fields = rotation.value(Candidate.CURRENT).fields()
        for leaves_the_group in (False, True):
            sleeper = subprocess.Popen(
                [sys.executable, "-c", f"import time; time.sleep({_FOR_EVER})"],
                stdin=subprocess.DEVNULL,
                start_new_session=leaves_the_group,
            )
            with self._file(fields, "pids").open("a") as pids:
                pids.write(f"{sleeper.pid}\n")
        super().set_secret(rotation)


class Looking(FileRotator):
    """Writes down all that its process was given."""

    name = "looking"

    def set_secret(self, rotation: Rotation) -> None:
        super().set_secret(rotation)
        open_files = []
        for descriptor in Path("/proc/self/fd").iterdir():
            try:
                open_files.append(str(descriptor.readlink()))
            except FileNotFoundError:  # the listing's own
                continue
        seen = {
            "environment": dict(os.environ),
            "arguments": Path("/proc/self/cmdline").read_text().split("\0"),
            "files": open_files,
            "modules": sorted(sys.modules),
            "folder": str(Path.cwd()),
            "values": sorted(rotation.values),
        }
        fields = rotation.value(Candidate.CURRENT).fields()
        self._file(fields, "seen").write_text(json.dumps(seen))


class Forgetting(FileRotator):
    """Answers with things of the wrong type."""

    name = "forgetting"

    def create_secret(self, rotation: Rotation) -> SecretValue:
        return super().create_secret(rotation).fields()  # type: ignore[return-value]  # that is the mistake


class Boasting(FileRotator):
    """Says that old and new both log in, and kills the old one as it sets the new one."""

    name = "boasting"
    overlap = Overlap.DUAL


class Crowded(FileRotator):
    """Has no room for whoever only logs in."""

    name = "crowded"

    def log_in(self, rotation: Rotation, candidate: Candidate) -> Proof:
        raise TargetBusy(
            f"there is no free connection slot for {rotation.secret_name}'s {candidate}"
        )


class Half(FileRotator):
    """Is not finished: a verb is still abstract."""

    name = "half"

    set_secret = Rotator.set_secret


class Stranger:
    """Is no rotator at all."""


_VERBS = frozenset(
    {"claims", "preflight", "create_secret", "set_secret", "test_secret", "finish_secret", "probe"}
)


class _Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("not even this")


class Hostile(FileRotator):
    """Does harm in the way and at the verb that the field `harm` names: `leak at set_secret`."""

    name = "hostile"

    def __getattribute__(self, verb: str) -> Any:
        own = super().__getattribute__(verb)
        return partial(_harm, verb, own) if verb in _VERBS else own


def _harm(verb: str, own: Callable[..., Any], subject: Any, *more: Any) -> Any:
    rotation = subject if isinstance(subject, Rotation) else None
    value: SecretValue = rotation.value(Candidate.CURRENT) if rotation is not None else subject
    fields = value.fields()
    how, _, at = str(fields.get("harm")).partition(" at ")
    if at == verb:
        known = [value] if rotation is None else list(rotation.values.values())
        return _HARM[how](known, rotation)
    return own(subject, *more)


def _secrets(known: list[SecretValue]) -> str:
    passwords = [str(value.fields()["password"]) for value in known]
    encoded = [base64.b64encode(f"app:{password}".encode()).decode() for password in passwords]
    return f"{passwords} {encoded} {[password.encode().hex() for password in passwords]}"


def _leak(known: list[SecretValue], rotation: Rotation | None) -> Any:
    try:
        raise KeyError(_secrets(known))
    except KeyError as inner:
        raise TargetRefused(f"refused {inner!r}", hint=_secrets(known)) from inner


def _shout(known: list[SecretValue], rotation: Rotation | None) -> Any:
    assert rotation is not None
    for number in range(300):
        rotation.log.warning(f"{number}: {_secrets(known)}", own=_secrets(known))
    raise TargetRefused("said it all")


def _garble(
    known: list[SecretValue], rotation: Rotation | None, *, line: bytes = b"no answer"
) -> Any:
    for descriptor in range(3, 20):
        try:
            os.write(descriptor, line + b"\n")
        except OSError:
            continue
    return None


def _unprintable(known: list[SecretValue], rotation: Rotation | None) -> Any:
    raise _Unprintable


def _spill(known: list[SecretValue], rotation: Rotation | None) -> Any:
    raise KeyError({"api_key": "the-new-value-itself"})


def _control(known: list[SecretValue], rotation: Rotation | None) -> Any:
    raise TargetRefused("\x1b[2J\0\ud800\u202e" + "x" * 100_000, hint=5)  # type: ignore[arg-type]  # that is the mistake


_HARM: dict[str, Callable[[list[SecretValue], Rotation | None], Any]] = {
    "nonsense": lambda known, rotation: {"password": known[0].fields()["password"]},
    "flood": lambda known, rotation: SecretValue(string="x" * 3_000_000),
    "same": lambda known, rotation: known[0],
    "leak": _leak,
    "spill": _spill,
    "shout": _shout,
    "garble": _garble,
    "nest": partial(_garble, line=b"[" * 50_000),
    "unprintable": _unprintable,
    "control": _control,
    "exit": lambda known, rotation: sys.exit(0),
    "kill": lambda known, rotation: os._exit(1),
}
