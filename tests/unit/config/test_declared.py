"""Rotators that the configuration declares: what it takes, and what it refuses."""

import json
from pathlib import Path

import pytest

from rotator.config import Configuration, load_configuration
from rotator.config.declared import CommandSettings
from rotator.errors import ConfigurationError

KEY = "0123456789abcdef0123456789abcdef"


def load(home: Path, text: str, *, mode: int = 0o600, **environ: str) -> Configuration:
    file = home / "settings.yaml"
    file.write_text(text)
    file.chmod(mode)
    return load_configuration(file=file, environ={"ROTATOR_HOME": str(home), **environ})


def test_programs_and_endpoints_are_declared_by_name(tmp_path: Path) -> None:
    """What isn't said has its default; a key comes by reference, and is in no repr."""
    key = tmp_path / "key"
    key.write_text(f"{KEY}\n")
    key.chmod(0o600)
    settings = load(
        tmp_path,
        """
        commands:
          dns-token: {argv: [/usr/bin/env, "${NOT_RESOLVED}", "file:neither"], timeout: 5}
        webhooks:
          billing: {url: "https://billing.example.com/rotate", key: "file:key"}
        """,
    ).settings
    assert settings.commands == {
        "dns-token": CommandSettings(
            argv=("/usr/bin/env", "${NOT_RESOLVED}", "file:neither"), timeout=5.0
        )
    }
    assert settings.webhooks["billing"].key == KEY
    assert KEY not in repr(settings)


def test_notifiers_are_declared_likewise(tmp_path: Path) -> None:
    """Names of notifiers and rotators don't meet; what is wrong is told with the whole key."""
    settings = load(
        tmp_path,
        "commands: {one: {argv: [/bin/true]}}\nnotifications: {commands: {one: {argv: [/bin/false]}}}",
    ).settings
    assert settings.notifications.commands == {"one": CommandSettings(argv=("/bin/false",))}
    assert settings.commands == {"one": CommandSettings(argv=("/bin/true",))}
    text = f"notifications: {{webhooks: {{one: {{url: 'http://x.example/', key: {KEY}}}}}}}"
    with pytest.raises(ConfigurationError, match=r"notifications\.webhooks\.one\.url"):
        load(tmp_path, text)


def test_a_notifier_of_another_package_gets_texts(tmp_path: Path) -> None:
    """Options have names of the package's own; each may be a reference, and none is in a repr."""
    text = """
        notifications:
          plugins:
            ops: {kind: slack, options: {token: "${SLACK_TOKEN}", channel: "#ops"}}
            bare: {kind: slack}
        """
    told = load(tmp_path, text, SLACK_TOKEN=KEY).settings.notifications
    assert told.plugins["ops"].kind == "slack"
    assert told.plugins["ops"].options == {"token": KEY, "channel": "#ops"}
    assert told.plugins["bare"].options == {}
    assert KEY not in repr(told)


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ("{kind: slack, options: {port: 7}}", r"plugins\.ops\.options\.port: expected text"),
        ("{kind: slack, options: [one]}", r"plugins\.ops\.options: expected names"),
        ("{options: {}}", r"plugins\.ops\.kind: it has no default"),
    ],
)
def test_a_wrong_notifier_is_refused(tmp_path: Path, given: str, key: str) -> None:
    """With the whole key and what is expected."""
    with pytest.raises(ConfigurationError, match=key):
        load(tmp_path, f"notifications: {{plugins: {{ops: {given}}}}}")


def test_texts_that_stand_in_the_file_keep_it_private(tmp_path: Path) -> None:
    """Nobody knows which option of another package is secret, so a file with one is not for others to read."""
    text = "notifications: {plugins: {ops: {kind: slack, options: {token: open}}}}"
    with pytest.raises(ConfigurationError, match=r"notifications\.plugins\.ops\.options\.token"):
        load(tmp_path, text, mode=0o644)


def test_each_name_tells_one_notifier(tmp_path: Path) -> None:
    """The same name of a program and of a plugin would be one in the log and the metrics."""
    text = "notifications: {commands: {one: {argv: [/bin/true]}}, plugins: {one: {kind: slack}}}"
    with pytest.raises(ConfigurationError, match=r"plugins\.one: .* notifications\.commands too"):
        load(tmp_path, text)


def test_a_variable_declares_them_as_json(tmp_path: Path) -> None:
    """ROTATOR_COMMANDS goes before the file, as every variable does."""
    declared = json.dumps({"other": {"argv": ["/bin/true"]}})
    settings = load(tmp_path, "commands: {one: {argv: [/bin/false]}}", ROTATOR_COMMANDS=declared)
    assert list(settings.settings.commands) == ["other"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("commands: [one]", "commands: expected names"),
        ("commands: {one: /bin/true}", "commands.one: expected a section"),
        ("commands: {one: {}}", "commands.one.argv: it has no default"),
        ("commands: {one: {argv: /bin/true}}", "commands.one.argv: expected a list"),
        ("commands: {one: {argv: [true-ish]}}", "absolute path"),
        ("commands: {one: {argv: []}}", "absolute path"),
        ("commands: {one: {argv: [/bin/true], timeout: 0}}", "commands.one.timeout"),
        ("commands: {one: {argv: [/bin/true], shell: x}}", "commands.one.shell: there is no such"),
        ("commands: {one two: {argv: [/bin/true]}}", "letters, digits"),
        ("commands: {one: {argv: [/bin/true], environment: [ROTATOR_HOME]}}", "ROTATOR_HOME"),
        (f"webhooks: {{one: {{url: 'http://x.example/', key: {KEY}}}}}", "clear text"),
        (f"webhooks: {{one: {{url: 'http://127.0.0.1/', key: {KEY}}}}}", "allow_plaintext: true"),
        (
            f"webhooks: {{one: {{url: 'http://x.example/', key: {KEY}, allow_plaintext: true}}}}",
            "clear text",
        ),
        (f"webhooks: {{one: {{url: 'https://u:p@x.example/', key: {KEY}}}}}", "without a user"),
        (f"webhooks: {{one: {{url: 'ftp://x.example/', key: {KEY}}}}}", "https://HOST"),
        ("webhooks: {one: {url: 'https://x.example/', key: short}}", "openssl rand"),
        (
            f"webhooks: {{one: {{url: 'https://x.example/', key: {KEY}, allow_plaintext: 'no'}}}}",
            "true or false",
        ),
        (
            f"commands: {{a: {{argv: [/bin/true]}}}}\nwebhooks: {{a: {{url: 'https://x.example/', key: {KEY}}}}}",
            "this name is in commands too",
        ),
    ],
)
def test_what_can_not_be_meant_is_refused(tmp_path: Path, text: str, message: str) -> None:
    """The message names the setting and says what is expected; a key is never shown."""
    with pytest.raises(ConfigurationError) as refused:
        load(tmp_path, text)
    assert message in str(refused.value)
    assert KEY not in str(refused.value)


def test_plaintext_is_there_for_this_machine(tmp_path: Path) -> None:
    """Where it is allowed in words, http to an address of this machine is taken."""
    for host in ("127.0.0.1:8080", "[::1]", "localhost"):
        text = f"webhooks: {{one: {{url: 'http://{host}/x', key: {KEY}, allow_plaintext: true}}}}"
        assert load(tmp_path, text).settings.webhooks["one"].url == f"http://{host}/x"


def test_a_key_in_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    """A key that stands in the configuration itself needs a file of mode 600."""
    text = f"webhooks: {{one: {{url: 'https://x.example/', key: {KEY}}}}}"
    with pytest.raises(ConfigurationError, match="there is a secret in the file itself"):
        load(tmp_path, text, mode=0o644)


def test_a_file_that_others_may_change_declares_nothing(tmp_path: Path) -> None:
    """Whoever could change the configuration could have any program run."""
    with pytest.raises(ConfigurationError, match="other users may change it"):
        load(tmp_path, "commands: {one: {argv: [/bin/true]}}", mode=0o666)
