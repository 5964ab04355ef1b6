"""`rotate key …` as an operator uses it: a key's whole life, a key that is lost, and keys from the environment."""

import base64
import json
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.command import RotateCommand
from tests.support.leaks import files_under, leaks, watching_processes

_PASSPHRASE = "correct horse battery staple"
_NEWER = base64.b64encode(bytes(range(32))).decode()
_OLDER = base64.b64encode(bytes(range(32, 64))).decode()

_NOTHING = {"secrets": 0, "names": [], "unwritable": 0, "replicas": 0, "access_keys": 0}


@pytest.fixture
def filled(rotate: RotateCommand) -> RotateCommand:
    """A home with three secrets."""
    rotate.ok("init")
    for number in range(3):
        rotate.ok("secret", "create", f"app/{number}", value=f"value {number}")
    return rotate


def _reads(rotate: RotateCommand) -> list[str]:
    return [rotate.ok("secret", "get", f"app/{number}", "--reveal").out for number in range(3)]


_VALUES = [f"value {number}\n" for number in range(3)]


def test_the_life_of_a_key(filled: RotateCommand) -> None:
    """A new key takes over, what was sealed moves to it, and the old one can be closed without closing anything."""
    [old] = filled.json("key", "list")["keys"]
    assert (old["active"], old["state"], old["versions"]) == (True, "enabled", 3)
    new = filled.json("key", "rotate")["key_id"]
    assert "rotate key rewrap" in filled.ok("key", "list").out
    assert _reads(filled) == _VALUES
    refused = filled("key", "disable", old["key_id"])
    assert refused.code == 2
    assert "app/0, app/1, app/2" in refused.out
    assert "--yes" in refused.err
    [plan] = filled.json("key", "rewrap", "--dry-run")["moves"]
    assert (plan["under"], plan["to"], plan["versions"]) == (old["key_id"], new, 3)
    assert "Nothing was moved." in filled.ok("key", "rewrap", "--dry-run").out
    moved = filled.ok("key", "rewrap", "--batch", "1")
    assert "3 of 3 versions moved" in moved.err
    assert moved.out == "Moved: 3 versions.\n"
    again = filled.json("key", "rewrap")
    assert again == {"exit_code": 0, "rewrapped": {"moved": 0, "stuck": 0, "reasons": []}}
    closes = filled.json("key", "disable", old["key_id"])["closes"]
    assert closes == _NOTHING
    assert _reads(filled) == _VALUES
    listed = {key["key_id"]: key for key in filled.json("key", "list")["keys"]}
    assert (listed[new]["versions"], listed[old["key_id"]]["state"]) == (3, "disabled")
    active = filled("key", "disable", new, "--yes")
    assert (active.code, "rotate key rotate" in active.err) == (2, True)


def test_a_disabled_key_names_what_it_closes(filled: RotateCommand) -> None:
    """Reads fail with secret, key and fix; doctor names the secrets; rewrap says what it left; enabling opens all."""
    [old] = [key["key_id"] for key in filled.json("key", "list")["keys"]]
    filled.ok("key", "rotate")
    disabled = filled.json("key", "disable", old, "--yes")
    assert disabled["closes"] == {
        "secrets": 3,
        "names": ["app/0", "app/1", "app/2"],
        "unwritable": 0,
        "replicas": 0,
        "access_keys": 0,
    }
    refused = filled("secret", "get", "app/0", "--reveal")
    assert refused.code == 8
    for part in ("app/0", old, f"rotate key enable {old}"):
        assert part in refused.err
    doctor = filled("doctor")
    assert doctor.code == 8
    assert f"the sealing key {old} is disabled" in doctor.out
    assert "app/0, app/1, app/2" in doctor.out
    stuck = filled("key", "rewrap", "--output", "json")
    assert stuck.code == 8
    assert stuck.json["rewrapped"]["stuck"] == 3
    filled.ok("key", "enable", old)
    filled.ok("doctor")
    assert _reads(filled) == _VALUES


def test_a_key_that_seals_access_keys_is_not_disabled_unawares(rotate: RotateCommand) -> None:
    """Access keys are counted, named before they are closed, told of by doctor, and moved by a rewrapping."""
    rotate.ok("init", "--admin", "root")
    rotate.ok("principal", "keys", "create", "root")
    [old] = rotate.json("key", "list")["keys"]
    assert (old["versions"], old["access_keys"]) == (0, 1)
    rotate.ok("key", "rotate")
    planned = rotate.json("key", "rewrap", "--dry-run")
    [plan] = planned["moves"]
    assert (planned["versions"], planned["access_keys"]) == (0, 1)
    assert (plan["under"], plan["versions"], plan["access_keys"]) == (old["key_id"], 0, 1)
    refused = rotate("key", "disable", old["key_id"])
    assert refused.code == 2
    assert (
        f"1 access key of principals can be used with the key {old['key_id']} only" in refused.out
    )
    assert "rotate key rewrap" in refused.err
    closes = rotate.json("key", "disable", old["key_id"], "--yes")["closes"]
    assert (closes["secrets"], closes["access_keys"]) == (0, 1)
    doctor = rotate("doctor")
    assert (doctor.code, "1 access key of principals" in doctor.out) == (8, True)
    [blocked] = rotate.json("key", "rewrap", "--dry-run")["moves"]
    assert (blocked["to"], blocked["reason"].partition(":")[0]) == (None, "1 of them")
    enabled = rotate.ok("key", "enable", old["key_id"])
    assert "0 versions and 1 access key." in enabled.out
    rotate.ok("key", "rewrap")
    assert rotate.json("key", "disable", old["key_id"])["closes"]["access_keys"] == 0


def test_secrets_with_a_key_of_their_own(filled: RotateCommand) -> None:
    """An alias is made, rotated, moved and taken away; each mistake says what to do."""
    first = filled.json("key", "create", "--alias", "alias/payments")["key_id"]
    second = filled.json("key", "rotate", "alias/payments")["key_id"]
    assert first != second
    assert filled.json("key", "alias", "alias/payments", first)["aliases"] == ["alias/payments"]
    assert filled("key", "alias", "alias/aws/mine", first).code == 2
    assert filled("key", "alias", "alias/payments").code == 2
    missing = filled("key", "alias", "alias/payments", "nokey", "--output", "json")
    assert (missing.code, missing.error["error"]) == (3, "ResourceNotFound")
    assert filled.json("key", "alias", "alias/payments", "--remove") == {
        "removed": "alias/payments"
    }
    assert filled("key", "rotate", "alias/payments").code == 3


def test_a_key_that_secrets_ask_for_is_left_by_what_disabling_it_advises(
    filled: RotateCommand,
) -> None:
    """The refusal counts the secrets that couldn't be written; after its advice nothing is closed by disabling."""
    key = filled.json("key", "create", "--alias", "alias/payments")["key_id"]
    filled.ok("secret", "create", "by-alias", "--key", "alias/payments", value="v")
    filled.ok("secret", "create", "by-id", "--key", key, value="v")
    refused = filled("key", "disable", key)
    assert refused.code == 2
    assert f"2 secrets can be written with the key {key} only" in refused.out
    assert "rotate key rotate alias/payments, then rotate secret update SECRET --key" in refused.err
    filled.ok("key", "rotate", "alias/payments")
    filled.ok("secret", "update", "by-id", "--key", "alias/payments")
    filled.ok("key", "rewrap")
    closes = filled.json("key", "disable", key)["closes"]
    assert closes == _NOTHING
    for name in ("by-alias", "by-id"):
        filled.ok("secret", "put", name, value="w")


def test_a_disabled_key_comes_back_from_an_export_of_it_alone(
    filled: RotateCommand, tmp_path: Path
) -> None:
    """Without a keyring it is told that the key is enabled now; the other keys join it, and the store opens."""
    [old] = [key["key_id"] for key in filled.json("key", "list")["keys"]]
    filled.ok("key", "alias", "alias/old", old)
    filled.ok("key", "rotate")
    filled.ok("key", "rewrap")
    filled.ok("key", "disable", old)
    alone, everything, missing = tmp_path / "alone", tmp_path / "all", tmp_path / "none" / "keys"
    sealed = ("--passphrase-file", "-")
    filled.ok("key", "export", old, "--output-file", str(alone), *sealed, value=_PASSPHRASE)
    filled.ok("key", "export", "--output-file", str(everything), *sealed, value=_PASSPHRASE)
    refused = filled("key", "export", "--output-file", str(missing), *sealed, value=_PASSPHRASE)
    assert (refused.code, missing.parent.exists()) == (2, False)
    assert "can't be written" in refused.err
    present = filled.ok("key", "import", str(alone), *sealed, value=_PASSPHRASE)
    assert present.out == "All keys of the file are here already.\n"
    (filled.home / "keyring.json").unlink()
    restored = filled.ok("key", "import", str(alone), *sealed, value=_PASSPHRASE).out
    assert "It was disabled, and is enabled and active now" in restored
    assert f"alias/old names the sealing key {old} again." in restored
    filled.ok("key", "import", str(everything), *sealed, value=_PASSPHRASE)
    assert _reads(filled) == _VALUES


def test_a_lost_keyring_comes_back_from_its_export(filled: RotateCommand, tmp_path: Path) -> None:
    """The file is private and never overwritten; a wrong passphrase is refused; the store opens again."""
    file, passphrase = tmp_path / "keys.export", tmp_path / "passphrase"
    passphrase.write_text(f"{_PASSPHRASE}\n")
    filled.ok("key", "create", "--alias", "alias/payments")
    export = ("key", "export", "--output-file", str(file), "--passphrase-file")
    assert len(filled.json(*export, str(passphrase))["keys"]) == 2
    assert file.stat().st_mode & 0o777 == 0o600
    written = file.read_bytes()
    again = filled(*export, str(passphrase))
    assert (again.code, file.read_bytes()) == (2, written)
    short = filled(
        "key", "export", "--output-file", f"{file}-2", "--passphrase-file", "-", value="short"
    )
    assert short.code == 2
    assert not Path(f"{file}-2").exists()
    before = json.loads((filled.home / "keyring.json").read_text())
    (filled.home / "keyring.json").unlink()
    assert "rotate key import" in filled("secret", "get", "app/0", "--reveal").err
    wrong = filled("key", "import", str(file), "--passphrase-file", "-", value="incorrect horse")
    assert (wrong.code, (filled.home / "keyring.json").exists()) == (8, False)
    assert "passphrase is another one" in wrong.err
    restored = filled.json(
        "key", "import", str(file), "--passphrase-file", "-", value=f"{_PASSPHRASE}\n"
    )
    assert {key["key_id"] for key in restored["imported"]} == set(before["keys"])
    assert json.loads((filled.home / "keyring.json").read_text()) == before
    assert _reads(filled) == _VALUES
    present = filled.ok("key", "import", str(file), "--passphrase-file", str(passphrase))
    assert "here already" in present.out


def test_keys_from_the_environment(rotate: RotateCommand) -> None:
    """No keyring is made; a new first key takes over by rewrap; changes are refused with what to do instead."""
    rotate.environment["ROTATOR_KEYS_PROVIDER"] = "env"
    rotate.environment["ROTATOR_SEALING_KEYS"] = f"older:{_OLDER}"
    assert rotate.json("init")["keyring"] is None
    assert "keyring" not in rotate.ok("init").out.split("\n\n")[0]
    assert not (rotate.home / "keyring.json").exists()
    rotate.ok("secret", "create", "app/0", value="value 0")
    rotate.environment["ROTATOR_SEALING_KEYS"] = f"newer:{_NEWER},older:{_OLDER}"
    assert rotate.json("key", "rewrap")["rewrapped"]["moved"] == 1
    listed = [(key["key_id"], key["versions"]) for key in rotate.json("key", "list")["keys"]]
    assert listed == [("newer", 1), ("older", 0)]
    for command in (("rotate",), ("create",), ("disable", "older", "--yes")):
        refused = rotate("key", *command)
        assert refused.code == 2
        assert "put ID:KEY in front" in refused.err
    rotate.environment["ROTATOR_SEALING_KEYS"] = f"newer:{_NEWER}"
    assert rotate.ok("secret", "get", "app/0", "--reveal").out == "value 0\n"
    assert "from the key provider env" in rotate.ok("doctor").out
    for wrong in ("", "newer", f"other:{_OLDER}"):
        assert rotate("secret", "get", "app/0", "--reveal", ROTATOR_SEALING_KEYS=wrong).code == 8
    unknown = rotate("key", "list", ROTATOR_KEYS_PROVIDER="nowhere")
    assert unknown.code == 2
    assert "there is no key provider nowhere. Installed: aws-kms, env, file" in unknown.err


def test_a_rewrap_that_is_interrupted_goes_on(filled: RotateCommand) -> None:
    """Ctrl-C ends it between two batches; the next run moves what is left."""
    for number in range(3, 12):
        filled.ok("secret", "create", f"app/{number}", value="more")
    filled.ok("key", "rotate")
    running = filled.start("key", "rewrap", "--batch", "1")
    assert running.stderr is not None
    first = running.stderr.readline()
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=60)
    assert first == "1 of 12 versions moved\n"
    rest = filled.json("key", "rewrap")["rewrapped"]
    assert rest["stuck"] == 0
    assert [key["versions"] for key in filled.json("key", "list")["keys"]] == [12, 0]
    if running.returncode == 130:  # it was not faster than the signal
        assert 0 < rest["moved"] < 12


def test_no_key_and_no_passphrase_is_found_outside_of_the_keyring(
    filled: RotateCommand, tmp_path: Path
) -> None:
    """No output, error, audit row, file or process has the bytes of a sealing key, or a passphrase, in any form."""
    keyring, file = filled.home / "keyring.json", tmp_path / "keys.export"
    filled.environment["ROTATOR_LOG_LEVEL"] = "debug"
    filled = replace(filled, anew=True)
    with watching_processes() as watch:
        filled.ok("key", "create", "--alias", "alias/payments")
        filled.ok("key", "rotate")
        filled.ok("key", "rotate", "alias/payments")
        filled.ok("key", "rewrap")
        filled.ok("key", "list")
        export = ("key", "export", "--output-file", str(file), "--passphrase-file", "-")
        filled.ok(*export, value=_PASSPHRASE)
        assert filled(*export, value=_PASSPHRASE).code == 2
        back = ("key", "import", str(file), "--passphrase-file", "-")
        filled.ok(*back, value=_PASSPHRASE)
        assert filled(*back, value=f"{_PASSPHRASE}!").code == 8
        content = json.loads(keyring.read_text())
        whole = keyring.read_text()
        keyring.write_text(whole[:-40])
        assert filled("key", "list").code == 8
        assert filled("doctor", "--output", "json").code == 8
        keyring.write_text(whole)
        other = dict(
            content, keys={name: dict(key, key=_NEWER) for name, key in content["keys"].items()}
        )
        keyring.write_text(json.dumps(other))
        assert filled(*back, value=_PASSPHRASE).code == 2
        assert filled("secret", "get", "app/0", "--reveal").code == 8
        keyring.write_text(whole)
        filled.ok("doctor")
    keys = [base64.b64decode(key["key"]) for key in content["keys"].values()]
    assert len(keys) == 4
    places = {
        **{name: found for name, found in files_under(filled.home).items() if name != str(keyring)},
        "the export": file.read_bytes(),
        "what the command printed": "\n".join(filled.shown).encode(),
        "arguments and environments of processes": watch.seen,
    }
    assert leaks([_PASSPHRASE], places) == []
    assert [name for name, found in places.items() for key in keys if key in found] == []
    forms = [form for key in keys for form in (base64.b64encode(key), key.hex().encode())]
    assert [name for name, found in places.items() for form in forms if form in found] == []
    assert base64.b64encode(keys[0]) in keyring.read_bytes()  # the scan finds what is there


def test_doctor_tells_of_a_closed_key_that_is_only_asked_for(rotate: RotateCommand) -> None:
    """Nothing is sealed under it, but a replica can't be read while it is closed."""
    rotate.ok("init")
    config = rotate.home / "config.yaml"
    config.write_text("regions: [eu-west-1]")
    config.chmod(0o600)
    rotate.ok("key", "create", "--alias", "alias/asked")
    rotate.ok("secret", "create", "app", value="value")
    rotate.ok("secret", "replicate", "app", "eu-west-1", "--key", "alias/asked")
    [asked] = [key for key in rotate.json("key", "list")["keys"] if "alias/asked" in key["aliases"]]
    rotate.ok("key", "disable", asked["key_id"], "--yes")
    doctor = rotate("doctor")
    assert doctor.code == 8
    assert f"1 replica can be read with the key {asked['key_id']} only" in doctor.out
    rotate.ok("key", "enable", asked["key_id"])
    rotate.ok("doctor")
