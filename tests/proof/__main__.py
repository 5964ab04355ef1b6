"""Runs the proofs that are named, all where none is, and writes the page. `python -m tests.proof [ROTATOR …]`."""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from rotator import __version__
from tests.proof.page import Machine, Shown, page
from tests.proof.scenes import SCENES, SECRET, Scene
from tests.support.command import Ran, RotateCommand


def main() -> int:
    """Whether all promises held, as an exit status."""
    names = [scene.rotator for scene in SCENES]
    parser = argparse.ArgumentParser(prog="python -m tests.proof", description=__doc__)
    parser.add_argument("rotators", nargs="*", metavar="ROTATOR", help=f"of {', '.join(names)}")
    parser.add_argument("--repeat", type=int, default=100, help="rotations of each (100)")
    parser.add_argument("--clients", type=int, default=4, help="that log in at once (4)")
    parser.add_argument("--output", type=Path, default=Path("docs/proof.md"), help="the page")
    asked = parser.parse_args()
    if unknown := set(asked.rotators) - set(names):
        parser.error(f"no such rotator: {', '.join(sorted(unknown))}")
    began, revision = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"), _revision()
    shown: list[Shown] = []
    for scene in SCENES:
        if not asked.rotators or scene.rotator in asked.rotators:
            shown.append(_prove(scene, repeat=asked.repeat, clients=asked.clients))
            written = page(shown, date=began, machine=_machine(), revision=revision)
            asked.output.write_text(written, encoding="utf-8")
    return 0 if all(each.proof["kept"] for each in shown) else 1


def _prove(scene: Scene, *, repeat: int, clients: int) -> Shown:
    options = ("--repeat", str(repeat), "--clients", str(clients), "--hold", f"{scene.hold:g}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rotate = RotateCommand(home=folder / "home", anew=True)
        with scene.server(folder) as target:
            _say(f"{scene.rotator} on {target.version}")
            scene.prepare(rotate, target)
            ran = _run(rotate, "prove", SECRET, *options, "--yes", "--output", "json")
    proof = ran.json["proof"]
    if proof["overlap"] != scene.overlap:  # a weaker promise would be kept too easily
        sys.exit(f"{scene.rotator} has the overlap {proof['overlap']} here, not {scene.overlap}")
    return Shown(
        rotator=scene.rotator,
        server=target.version,
        options=" ".join(options),
        load=os.getloadavg()[0],
        proof=proof,
    )


def _run(rotate: RotateCommand, *arguments: str) -> Ran:
    """The command, whose progress is shown; it may take an hour."""
    running = rotate.start(*arguments)
    told = []
    for line in running.stderr or ():
        told.append(line)
        _say(line.rstrip())
    out = running.stdout.read() if running.stdout else ""
    ran = Ran(code=running.wait(), out=out, err="".join(told))
    if not ran.out:
        sys.exit(f"rotate {' '.join(arguments)} ended with {ran.code} and proved nothing")
    return ran


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _machine() -> Machine:
    return Machine(
        processors=os.cpu_count() or 1,
        memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
    )


def _revision() -> str:
    """Of this checkout; the version where it is none."""
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return __version__
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
