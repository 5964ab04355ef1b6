"""What a command brings with it: most of the time of a rotation by hand is the start of its process."""

import subprocess
import sys

from tests.support.command import RotateCommand

_LATER = {
    "boto3",
    "botocore",
    "croniter",
    "icalendar",
    "msgspec",
    "rotator.api.app",
    "rotator.manager.manager",
    "starlette",
    "uvicorn",
}
_PROGRAM = """
import sys
from rotator.cli.main import main
sys.argv = ["rotate", "now", "plain"]
try:
    main()
finally:
    print("\\n".join(sorted(sys.modules)))
"""


def test_a_rotation_by_hand_brings_no_more_than_it_needs(rotate: RotateCommand) -> None:
    """`rotate now` imports neither the operations on secrets nor the API, nor any of the libraries of theirs."""
    rotate.ok("init")
    rotate.ok("secret", "create", "plain", value="first")
    rotate.ok("rotation", "set", "plain", "--rotator", "generic-password")
    ended = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        env=rotate.variables(),
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(ended.stdout.splitlines())
    assert "rotator.rotation.engine" in loaded
    assert not loaded & _LATER
