"""Many secrets at once, as a user moves them: import, export, and what is said when something is wrong."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import Ran, RotateCommand
from tests.support.terminal import on_terminal

PASSPHRASE = "correct horse battery staple"
SECRETS: list[dict[str, Any]] = [
    {"name": "app/one", "value": "planted-1", "description": "first", "tags": {"team": "a"}},
    {"name": "app/two", "value": {"user": "u", "password": "planted-2"}},
    {"name": "app/bytes", "binary": "AAEC"},
    {
        "name": "other",
        "versions": [
            {"version_id": "v" * 32, "value": "planted-3", "labels": ["AWSPREVIOUS"]},
            {"version_id": "w" * 32, "value": "planted-4", "labels": ["AWSCURRENT", "blue"]},
        ],
    },
]


def write_lines(path: Path, secrets: list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(secret) + "\n" for secret in secrets))
    return str(path)


@pytest.fixture
def home(rotate: RotateCommand) -> RotateCommand:
    """A home without a secret."""
    rotate.ok("init")
    return rotate


@pytest.fixture
def another(tmp_path: Path) -> RotateCommand:
    """A second installation, with keys of its own."""
    rotate = RotateCommand(home=tmp_path / "another")
    rotate.ok("init")
    return rotate


@pytest.fixture
def passphrase(tmp_path: Path) -> str:
    """A file with a passphrase."""
    path = tmp_path / "passphrase"
    path.write_text(PASSPHRASE + "\n")
    return str(path)


def counts(result: Any) -> tuple[int, int, int, int]:
    return result["made"], result["changed"], result["left"], result["refused"]


def test_a_dry_run_says_what_an_import_does(home: RotateCommand, tmp_path: Path) -> None:
    """First nothing is made and everything told; then it is made; the second time it is all there."""
    file = write_lines(tmp_path / "secrets.jsonl", SECRETS)
    dry = home.json("secret", "import", file, "--dry-run")
    assert counts(dry) == (4, 0, 0, 0)
    assert [line["name"] for line in dry["first"]["made"]] == [s["name"] for s in SECRETS]
    assert home.json("secret", "list")["secrets"] == []
    assert "Nothing was written" in home.ok("secret", "import", file, "--dry-run").out

    assert counts(home.json("secret", "import", file)) == (4, 0, 0, 0)
    assert home.reveal("app/two") == {"user": "u", "password": "planted-2"}
    assert home.json("secret", "describe", "other")["versions"] == {
        "v" * 32: ["AWSPREVIOUS"],
        "w" * 32: ["AWSCURRENT", "blue"],
    }
    again = home.ok("secret", "import", file).out
    assert again.split()[:6] == ["made", "0", "changed", "0", "left", "4"]


@pytest.mark.parametrize("conflict", ["skip", "update"])
@pytest.mark.parametrize("value", ["planted-4", "mine"])
def test_older_versions_of_what_is_there_are_left_out(
    home: RotateCommand, tmp_path: Path, value: str, conflict: str
) -> None:
    """Only the current value of a secret that is there is compared and imported; dry run and result say so."""
    file = write_lines(tmp_path / "secrets.jsonl", SECRETS)
    home.ok("secret", "create", "other", value=value)
    command = ("secret", "import", file, "--on-conflict", conflict)
    left_out = "its older versions in the file were left out"
    assert home.ok(*command, "--dry-run").out.count(left_out) == 1
    done = home.ok(*command).out
    assert "1 secret of these was there already" in done
    assert "the older versions in the file were left out" in done
    assert not any(
        stages == ["AWSPREVIOUS"] and version == "v" * 32
        for version, stages in home.json("secret", "describe", "other")["versions"].items()
    )


def test_one_bad_line_keeps_all_back_and_every_one_is_told(
    home: RotateCommand, tmp_path: Path
) -> None:
    """Every line is checked; what is wrong is told by its number, never with a value, and nothing is written."""
    file = tmp_path / "secrets.jsonl"
    write_lines(file, [*SECRETS, SECRETS[0], {"name": "app/wrong name", "value": "planted-5"}])
    with file.open("a") as lines:
        lines.write('{"name": "x", "value": "planted-6"\n\nplanted-7\n')
        lines.write('{"name": "y", "valeu": "planted-8"}\n')
    ran = home("secret", "import", str(file), "--output", "json")
    assert ran.code == 2
    assert counts(ran.json) == (4, 0, 0, 5)
    assert [line["line"] for line in ran.json["first"]["refused"]] == [5, 6, 7, 9, 10]
    shown = home("secret", "import", str(file))
    assert (shown.code, "line 9: it is not JSON" in shown.out) == (2, True)
    assert "--on-conflict" not in shown.out
    assert home.json("secret", "list")["secrets"] == []
    assert "planted" not in "".join(home.shown)


def test_names_that_are_taken(home: RotateCommand, tmp_path: Path) -> None:
    """By default they keep the import back; they can be left as they are, or brought up to date."""
    file = write_lines(tmp_path / "secrets.jsonl", SECRETS)
    home.ok("secret", "create", "app/one", "--tag", "own=kept", value="mine")
    home.ok("secret", "create", "app/two", value={"user": "u", "password": "planted-2"})
    refused = home("secret", "import", file)
    assert refused.code == 2
    assert (
        "app/one: it is there already, with another value and description and tags" in refused.out
    )
    assert "--on-conflict" in refused.out
    assert len(home.json("secret", "list")["secrets"]) == 2

    assert counts(home.json("secret", "import", file, "--on-conflict", "skip")) == (2, 0, 2, 0)
    assert home.ok("secret", "get", "app/one", "--reveal").out == "mine\n"
    assert counts(home.json("secret", "import", file, "--on-conflict", "update")) == (0, 1, 3, 0)
    about = home.json("secret", "describe", "app/one")
    assert (about["description"], about["tags"]) == ("first", {"own": "kept", "team": "a"})
    assert home.ok("secret", "get", "app/one", "--reveal").out == "planted-1\n"

    home.ok("secret", "delete", "app/one")
    assert home("secret", "import", file, "--on-conflict", "update").code == 2


def test_env_files(home: RotateCommand, tmp_path: Path) -> None:
    """Each variable becomes a secret, or all of them one; quotes are taken off and nothing is expanded."""
    file = tmp_path / "shop.env"
    file.write_text('export DB_URL="postgres://u:p@h/d" # main\nPATH_LIKE=${HOME}/x\n')
    assert counts(home.json("secret", "import", str(file), "--prefix", "shop/")) == (2, 0, 0, 0)
    assert home.ok("secret", "get", "shop/DB_URL", "--reveal").out == "postgres://u:p@h/d\n"
    assert home.ok("secret", "get", "shop/PATH_LIKE", "--reveal").out == "${HOME}/x\n"
    home.ok("secret", "import", "-", "--format", "env", "--as-one", "all", value=file.read_text())
    assert home.reveal("all") == {"DB_URL": "postgres://u:p@h/d", "PATH_LIKE": "${HOME}/x"}
    file.write_text("EMPTY=\n")
    refused = home("secret", "import", str(file))
    assert refused.code == 2
    assert "line 1: EMPTY is empty" in refused.out
    assert home("secret", "import", "x.jsonl", "--prefix", "shop/").code == 2


def test_an_env_file_goes_out_and_comes_in(
    home: RotateCommand, another: RotateCommand, tmp_path: Path
) -> None:
    """Whatever a value is made of, it comes back the same; what no variable can hold is named and left out."""
    values = {
        "shop/QUOTES": 'it\'s \\ a "b" #c ${HOME}',
        "shop/LINES": "one\ntwo\\n\r\nthree",
        "shop/JSON": '{"a": 1}',
    }
    for name, text in values.items():
        file = tmp_path / "value"
        file.write_bytes(text.encode())
        home.ok("secret", "create", name, "--file", str(file))
    home.ok("secret", "create", "shop/not/a/name", value="v")
    env = str(tmp_path / "shop.env")
    export = ("secret", "export", "--prefix", "shop/", "--format", "env", "--output-file", env)

    assert home(*export).code == 2  # in the clear only where that is said
    exported = home(*export, "--plaintext")

    assert exported.code == 5
    assert "shop/not/a/name: not/a/name can't be the name of a variable" in exported.out
    another.ok("secret", "import", env, "--prefix", "shop/")
    for name, text in values.items():
        assert another.json("secret", "get", name, "--reveal")["secret_string"] == text


def test_secrets_move_to_another_installation(
    home: RotateCommand, another: RotateCommand, tmp_path: Path, passphrase: str
) -> None:
    """Sealed under a passphrase on the way; what arrives is what left, with all versions."""
    home.ok("secret", "import", write_lines(tmp_path / "secrets.jsonl", SECRETS))
    file = tmp_path / "export.sealed"
    options = ("--all-versions", "--output-file", str(file), "--passphrase-file", passphrase)
    exported = home.json("secret", "export", *options)
    assert (exported["secrets"], exported["versions"], exported["sealed"]) == (4, 5, True)
    assert file.stat().st_mode & 0o777 == 0o600
    assert b"planted" not in file.read_bytes()

    moved = another.json("secret", "import", str(file), "--passphrase-file", passphrase)
    assert counts(moved) == (4, 0, 0, 0)
    plain = ("secret", "export", "--plaintext", "--all-versions")
    assert sorted(another.ok(*plain).out.splitlines()) == sorted(home.ok(*plain).out.splitlines())


def test_a_choice_of_secrets_is_exported(home: RotateCommand, tmp_path: Path) -> None:
    """By name, prefix or tag; AWSCURRENT alone where nothing else is said."""
    home.ok("secret", "import", write_lines(tmp_path / "secrets.jsonl", SECRETS))

    def names(*choice: str) -> list[str]:
        lines = home.ok("secret", "export", "--plaintext", *choice).out.splitlines()
        return [json.loads(line)["name"] for line in lines]

    assert names("--prefix", "app/") == ["app/bytes", "app/one", "app/two"]
    assert names("--tag", "team=a") == ["app/one"]
    assert names("other", "app/two", "other") == ["other", "app/two"]
    [line] = home.ok("secret", "export", "--plaintext", "other").out.splitlines()
    assert json.loads(line) == {"name": "other", "version_id": "w" * 32, "value": "planted-4"}
    assert home("secret", "export", "--plaintext", "nowhere").code == 3
    assert home("secret", "export", "--plaintext", "other", "--prefix", "app/").code == 2


def test_an_export_can_be_tried_before(home: RotateCommand, tmp_path: Path) -> None:
    """A dry run names what would be exported, needs no passphrase, makes no file and reads no value."""
    for name in ("app/a", "app/b", "other"):
        home.ok("secret", "create", name, value="v")
    home.ok("secret", "delete", "other")
    out = tmp_path / "out"
    dry = ("secret", "export", "--dry-run", "--output-file", str(out))

    assert home.json(*dry, "--prefix", "app/")["names"] == ["app/a", "app/b"]
    assert "1 secret.\n  app/b\n" in home.ok(*dry, "app/b").out
    assert "no secret fits" in home.ok(*dry, "--prefix", "none/").out
    refused = home(*dry, "other")
    assert (refused.code, "rotate secret restore other" in refused.err) == (2, True)
    assert home(*dry, "missing").code == 3
    assert not out.exists()
    assert home.json("audit", "show", "--event", "GetSecretValue")["records"] == []


def test_an_export_of_nothing_says_so(home: RotateCommand, tmp_path: Path, passphrase: str) -> None:
    """Whoever exported no secret isn't warned of what the file holds, nor told how to import it."""
    file = str(tmp_path / "export")
    assert "Nothing was exported" in home.ok("secret", "export", "--plaintext").err
    options = ("--prefix", "app/", "--output-file", file, "--passphrase-file", passphrase)
    told = home.ok("secret", "export", *options).out
    assert told.startswith(f"Nothing was exported to {file}: no secret fits.")
    assert len(told.splitlines()) == 1


def test_standard_input_is_one_thing(home: RotateCommand) -> None:
    """A file and its passphrase can't both come from it."""
    refused = home("secret", "import", "-", "--passphrase-file", "-", value=f"{PASSPHRASE}\n")
    assert (refused.code, "both come from standard input" in refused.err) == (2, True)


def test_an_export_replaces_no_file(home: RotateCommand, tmp_path: Path, passphrase: str) -> None:
    """A file that is there already stays as it is, and so does its folder after an error."""
    home.ok("secret", "import", write_lines(tmp_path / "secrets.jsonl", SECRETS))
    folder = tmp_path / "exports"
    folder.mkdir()
    file = folder / "export"
    file.write_text("mine")
    for options in (("--plaintext",), ("--passphrase-file", passphrase)):
        refused = home("secret", "export", "--output-file", str(file), *options)
        assert refused.code == 2
        assert "never replaces" in refused.err
    assert file.read_text() == "mine"
    failed = home(
        "secret", "export", "--plaintext", "--output-file", str(folder / "new"), "nowhere"
    )
    assert failed.code == 3
    assert list(folder.iterdir()) == [file]


def test_a_plain_export_is_private_and_warns(home: RotateCommand, tmp_path: Path) -> None:
    """Only its owner may read it, and the command says what it is."""
    home.ok("secret", "import", write_lines(tmp_path / "secrets.jsonl", SECRETS))
    file = tmp_path / "plain.jsonl"
    ran = home.ok("secret", "export", "--plaintext", "--output-file", str(file))
    assert "in the clear" in ran.out
    assert file.stat().st_mode & 0o777 == 0o600
    assert counts(home.json("secret", "import", str(file))) == (0, 0, 4, 0)


def test_a_wrong_passphrase_or_a_damaged_file(
    home: RotateCommand, another: RotateCommand, tmp_path: Path, passphrase: str
) -> None:
    """Exit code 8, nothing is written, and nothing of the file is shown."""
    home.ok("secret", "import", write_lines(tmp_path / "secrets.jsonl", SECRETS))
    file, wrong = tmp_path / "export", tmp_path / "wrong"
    home.ok("secret", "export", "--output-file", str(file), "--passphrase-file", passphrase)
    wrong.write_text("another passphrase")
    refused = another("secret", "import", str(file), "--passphrase-file", str(wrong))
    assert refused.code == 8
    assert "passphrase" in refused.err
    file.write_bytes(file.read_bytes()[:-1])
    cut = another("secret", "import", str(file), "--passphrase-file", passphrase)
    assert cut.code == 8
    assert "cut off" in cut.err
    assert another.json("secret", "list")["secrets"] == []
    without = another("secret", "import", str(file))
    assert (without.code, "--passphrase-file" in without.err) == (2, True)


def test_exports_go_through_pipes(home: RotateCommand, another: RotateCommand) -> None:
    """`rotate secret export | rotate secret import -` moves secrets without a file."""
    home.ok("secret", "import", "-", value="".join(json.dumps(s) + "\n" for s in SECRETS))
    exporting = home.start("secret", "export", "--plaintext")
    done = subprocess.run(
        another._line(("secret", "import", "-", "--output", "json")),
        stdin=exporting.stdout,
        env=another.variables(),
        capture_output=True,
        text=True,
        check=False,
    )
    exporting.communicate()
    assert counts(Ran(code=done.returncode, out=done.stdout, err=done.stderr).json) == (4, 0, 0, 0)


def test_a_passphrase_is_asked_for_on_a_terminal(home: RotateCommand, tmp_path: Path) -> None:
    """Twice where something is sealed under it, and it is never shown; Ctrl-D and Ctrl-C write nothing."""
    home.ok("secret", "create", "app/one", value="planted-1")
    file = tmp_path / "export"
    export = ("secret", "export", "--output-file", str(file))
    first, again = "Passphrase (hidden): ", "The same again: "
    for answers, code in (
        (((first, "\4"),), 130),
        (((first, "\3"),), 130),
        (((first, f"{PASSPHRASE}\n"), (again, "another\n")), 2),
        (((first, "short\n"), (again, "short\n")), 2),
    ):
        assert on_terminal(home, *export, answers=answers)[0] == code
        assert not file.exists()
    sealed, seen = on_terminal(
        home, *export, answers=((first, f"{PASSPHRASE}\n"), (again, f"{PASSPHRASE}\n"))
    )
    assert sealed == 0
    opened, shown = on_terminal(
        home, "secret", "import", str(file), answers=((first, f"{PASSPHRASE}\n"),)
    )
    assert opened == 0
    assert "battery" not in seen + shown
