"""No value that was imported or exported is found where it doesn't belong."""

import base64
import json
import subprocess
from pathlib import Path

import pytest
from sqlalchemy import select

from rotator.store.store import Store
from rotator.store.tables import audit
from tests.support.command import RotateCommand
from tests.support.leaks import files_under, leaks, watching_processes
from tests.support.store import AUDIT_KEY_TEXT

_AWKWARD = "p%4 '\"\\/+é-"
PASSPHRASE = f"{_AWKWARD}the passphrase"
TAILS = [
    f"planted-{number}-{'x' * number}" for number in range(12)
]  # found however often it was escaped
VALUES = [_AWKWARD + tail for tail in TAILS]


@pytest.fixture
def home(tmp_path: Path, store_url: str) -> RotateCommand:
    """An installation on each engine of the store, with all that it can log."""
    rotate = RotateCommand(
        home=tmp_path / "home",
        anew=True,  # its arguments and variables are looked at
        environment={
            "ROTATOR_STORE_URL": store_url,
            "ROTATOR_AUDIT_KEY": AUDIT_KEY_TEXT,
            "ROTATOR_LOG_LEVEL": "debug",
            "TMPDIR": str(tmp_path / "temporary"),
        },
    )
    (tmp_path / "temporary").mkdir()
    rotate.ok("init")
    return rotate


def lines() -> str:
    secrets = [
        {"name": "text", "value": VALUES[0], "tags": {"a": "b"}},
        {"name": "object", "value": {"password": VALUES[1]}},
        {"name": "bytes", "binary": base64.b64encode(VALUES[2].encode()).decode()},
        {
            "name": "versions",
            "versions": [
                {"value": VALUES[3], "labels": ["AWSPREVIOUS"]},
                {"value": VALUES[4], "labels": ["AWSCURRENT"]},
            ],
        },
    ]
    return "".join(json.dumps(secret, ensure_ascii=False) + "\n" for secret in secrets)


def malformed() -> str:
    planted = json.dumps(VALUES[5])
    return "\n".join(
        [
            VALUES[5],
            planted,
            f'{{"name": "x", "value": {planted}',
            f'{{"name": "x", {planted}: 1}}',
            f'{{"name": {planted}, "value": {planted}}}',
            f'{{"name": "x", "tags": {{"aws:x": {planted}}}}}',
            f'{{"name": "x", "binary": {planted}}}',
            f'{{"name": "x", "value": [{planted}]}}',
            f'{{"name": "x", "version_id": "short", "value": {planted}}}',
            json.dumps({"name": "x", "value": VALUES[5] * 5_000}),
            json.dumps({"name": "text", "value": VALUES[6]}),
        ]
    )


def test_no_value_is_found_outside_of_memory(
    home: RotateCommand, tmp_path: Path, store: Store
) -> None:
    """Imports, sealed exports, refusals, dry runs and their JSON leave values neither in files, logs and outputs nor
    in arguments, environments and the audit.
    """
    given = tmp_path / "given"
    given.mkdir()
    for name, content in {
        "secrets.jsonl": lines(),
        "malformed.jsonl": malformed(),
        "broken.env": f"KEY=-----BEGIN\n{VALUES[7]}\nB='{VALUES[7]}\n",
        "shop.env": f"TOKEN={json.dumps(VALUES[8], ensure_ascii=False)}\n",
        "passphrase": PASSPHRASE,
        "wrong": VALUES[9],
    }.items():
        (given / name).write_text(content)
    key = ("--passphrase-file", str(given / "passphrase"))
    sealed = tmp_path / "sealed"
    with watching_processes() as watch:
        for output in ("text", "json"):
            told = ("--output", output)
            home("secret", "import", str(given / "malformed.jsonl"), *told)
            home("secret", "import", str(given / "broken.env"), "--as-one", "x", *told)
            home.ok("secret", "import", str(given / "secrets.jsonl"), "--dry-run", *told)
            home.ok("secret", "import", "-", *told, value=lines())
            home.ok("secret", "import", str(given / "shop.env"), *told)
            home.ok(
                "secret", "export", "--all-versions", *key, "--output-file", f"{sealed}-{output}"
            )
            home.ok("secret", "import", f"{sealed}-{output}", *key, *told)
            home(
                "secret", "import", f"{sealed}-{output}", "--passphrase-file", str(given / "wrong")
            )
        home.ok("secret", "update", "text", "--value", value=VALUES[10])
        home.ok("secret", "import", str(given / "secrets.jsonl"), "--on-conflict", "skip")
        home.ok("secret", "import", str(given / "secrets.jsonl"), "--on-conflict", "update")
        piped = subprocess.run(
            home._line(("secret", "export", *key)),
            env=home.variables(),
            capture_output=True,
            check=True,
        )

    for path in given.iterdir():
        path.unlink()
    with store.read() as tx:
        records = [str(tuple(row)) for row in tx.connection.execute(select(audit))]
    assert len(records) > 10
    places = {
        **files_under(tmp_path),
        "what the command printed and logged": "\n".join(home.shown).encode(),
        "a sealed export on standard output": piped.stdout + piped.stderr,
        "the audit": "\n".join(records).encode(),
        "arguments and environments of processes": watch.seen,
    }
    assert {str(sealed) + "-text", str(sealed) + "-json"} <= set(places)
    assert leaks([*VALUES, *TAILS, PASSPHRASE], places) == []
    home.shown.append(home.ok("secret", "export", "--plaintext").out)
    found = {"a plain export": home.shown[-1].encode()}
    assert leaks(VALUES[2:3], found) == ["a plain export"], "the scan finds nothing at all"
