"""The rotator of docs/plugins.md, word for word, as a package of its own."""

from pathlib import Path

from tests.support.command import RotateCommand
from tests.support.documentation import shown
from tests.support.plugin import install_plugin


def test_the_rotator_in_forty_lines(rotate: RotateCommand, tmp_path: Path) -> None:
    """It has forty lines at most, asks for its setting, rotates one user of two, and verifies what it has set."""
    source = shown("plugins.md", language="python", having="class PasswdFile")
    assert len([line for line in source.splitlines() if line]) <= 40
    install_plugin(tmp_path, "dovecot-passwd", f"{source}\nPlugin = PasswdFile\n")
    rotate.environment["PYTHONPATH"] = str(tmp_path)
    users = tmp_path / "users"
    users.write_text("bob:{PLAIN}first\nanne:{PLAIN}untouched\n")
    rotate.ok("init")
    rotate.ok("secret", "create", "mail/bob", value={"username": "bob", "password": "first"})
    set_it = ("rotation", "set", "mail/bob", "--rotator", "dovecot-passwd", "--setting")
    rotate.ok(*set_it, f"path={users}")

    rotate.ok("now", "mail/bob")

    password = rotate.reveal("mail/bob")["password"]
    assert users.read_text() == f"anne:{{PLAIN}}untouched\nbob:{{PLAIN}}{password}\n"
    rotate.ok("verify", "mail/bob")
    rotate.ok("secret", "put", "mail/bob", value={"username": "anne", "password": "mine"})
    assert rotate("now", "mail/bob").code == 7, "a value that names another user is refused"
    assert "anne:{PLAIN}untouched" in users.read_text()
