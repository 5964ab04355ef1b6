"""How the configuration is read: file, environment, references, refusals."""

from pathlib import Path

import pytest

from rotator.config import load_configuration
from rotator.config.load import keys, unknown_variables, variable
from rotator.errors import ConfigurationError


def write(path: Path, text: str, *, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def refusal(home: Path, text: str, *, mode: int = 0o600, **environ: str) -> str:
    file = write(home / "settings.yaml", text, mode=mode)
    with pytest.raises(ConfigurationError) as refused:
        load_configuration(file=file, environ={"ROTATOR_HOME": str(home), **environ})
    return str(refused.value)


def test_without_a_file_everything_lives_in_the_home_folder(tmp_path: Path) -> None:
    """No file and no variable but the home: store and keyring are there."""
    loaded = load_configuration(file=None, environ={"ROTATOR_HOME": str(tmp_path)})
    assert loaded.file is None
    assert loaded.home == tmp_path
    assert loaded.store_url == f"sqlite:///{tmp_path}/rotator.db"
    assert loaded.settings.keyring.path == tmp_path / "keyring.json"


def test_the_platform_names_the_home_folder_where_no_variable_does() -> None:
    """Without ROTATOR_HOME the home is a folder called rotator among the user's data."""
    assert load_configuration(file=None, environ={}).home.name == "rotator"


@pytest.mark.parametrize("named_by", ["argument", "variable", "home"])
def test_the_file_is_found_in_three_places(tmp_path: Path, named_by: str) -> None:
    """The file comes from the argument, from ROTATOR_CONFIG, or from the home folder."""
    name = "config.yaml" if named_by == "home" else "other.yaml"
    file = write(tmp_path / name, "region: eu-west-1")
    environ = {"ROTATOR_HOME": str(tmp_path)}
    if named_by == "variable":
        environ["ROTATOR_CONFIG"] = str(file)
    loaded = load_configuration(file=file if named_by == "argument" else None, environ=environ)
    assert (loaded.file, loaded.settings.region) == (file, "eu-west-1")


def test_an_environment_variable_goes_before_the_file(tmp_path: Path) -> None:
    """ROTATOR_… overrides what the file says."""
    file = write(tmp_path / "c.yaml", "retry: {attempts: 2, cap: 5}")
    environ = {"ROTATOR_HOME": str(tmp_path), "ROTATOR_RETRY_ATTEMPTS": "7"}
    retry = load_configuration(file=file, environ=environ).settings.retry
    assert (retry.attempts, retry.cap) == (7, 5.0)


def test_every_setting_has_an_environment_variable_of_its_own() -> None:
    """No two settings share a variable."""
    names = [variable(key) for key in keys()]
    assert len(names) == len(set(names))
    assert "ROTATOR_ROTATION_STEP_LIMIT" in names


def test_an_empty_section_means_its_defaults(tmp_path: Path) -> None:
    """A section whose settings are all commented out changes nothing."""
    file = write(tmp_path / "c.yaml", "retry:\n  # attempts: 3\n")
    environ = {"ROTATOR_HOME": str(tmp_path)}
    with_file = load_configuration(file=file, environ=environ)
    assert with_file.settings == load_configuration(file=None, environ=environ).settings


def test_a_variable_that_is_no_setting_is_told_not_refused(tmp_path: Path) -> None:
    """A misspelt variable is listed for `rotate doctor`; the configuration still loads."""
    environ = {"ROTATOR_HOME": str(tmp_path), "ROTATOR_STORE_ULR": "x", "ROTATOR_LOG_LEVEL": "info"}
    load_configuration(file=None, environ=environ)
    assert unknown_variables(environ) == ("ROTATOR_STORE_ULR",)


def test_references_keep_the_store_password_out_of_the_file(tmp_path: Path) -> None:
    """A variable or a file gives the password, and any character of it survives in the URL."""
    write(tmp_path / "password", "p@ss/w:rd%\n")
    text = "store: {url: 'postgresql+psycopg://rotator@db/rotator', password: %s}"
    expected = "postgresql+psycopg://rotator:p%40ss%2Fw%3Ard%25@db/rotator"
    for reference in ("'${STORE_PASSWORD}'", "file:password", "'file:${ROTATOR_HOME}/password'"):
        file = write(tmp_path / "c.yaml", text % reference)
        environ = {"ROTATOR_HOME": str(tmp_path), "STORE_PASSWORD": "p@ss/w:rd%"}
        loaded = load_configuration(file=file, environ=environ)
        assert loaded.store_url == expected
        assert loaded.referenced == ({"STORE_PASSWORD"} if "STORE_PASSWORD" in reference else set())


def test_a_configuration_never_shows_the_store_password(tmp_path: Path) -> None:
    """Neither the URL nor the password is in a repr."""
    environ = {
        "ROTATOR_HOME": str(tmp_path),
        "ROTATOR_STORE_URL": "postgresql+psycopg://rotator@db/rotator",
        "ROTATOR_STORE_PASSWORD": "hunter2",
    }
    assert "hunter2" not in repr(load_configuration(file=None, environ=environ))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("retry: {atempts: 3}", ("retry.atempts", "Did you mean retry.attempts?")),
        ("colour: red", ("colour", "There are: account, region, regions, store")),
        ("retry: 5", ("retry", "a section", "retry.attempts")),
        ("retry: {attempts: lots}", ("retry.attempts", "a whole number from 1 to 100")),
        ("retry: {attempts: 2.5}", ("retry.attempts", "a whole number")),
        ("retry: {attempts: true}", ("retry.attempts", "a whole number")),
        ("retry: {attempts: [1]}", ("retry.attempts", "a whole number")),
        ("retry: {attempts: 0}", ("retry.attempts", "out of range")),
        ("retry: {base: .nan}", ("retry.base", "out of range")),
        ("account: 123456789012", ("account", "quotes")),
        ("account: '123'", ("account", "12 digits")),
        ("region: US East", ("region", "us-east-1")),
        ("log: {level: loud}", ("log.level", "auto, debug, info, warning, error")),
        ("tls: {trust: 5}", ("tls.trust", "text")),
        (
            "rotation: {step_limit: 60}",
            ("rotation.step_limit", "rotation.lease", "take the rotation"),
        ),
        ("rotation: {deadline: 5}", ("rotation.deadline", "rotation.step_limit")),
        ("retry: {cap: 0.5}", ("retry.cap", "retry.base")),
        ("barrier: {drain: 3}", ("barrier.drain", "barrier.limit")),
        ("barrier: {drain: 1.95}", ("barrier.drain", "barrier.limit")),
        ("region: '${NOWHERE}'", ("region", "NOWHERE is not set")),
        ("store: {password: file:absent}", ("store.password", "absent", "can't be read")),
        ("store: {password: '${ROTATOR_HOME}'}", ("store.password", "store.url names no user")),
        ("region: a\nregion: b", ("line 2", "region is given twice")),
        ("region: [", ("line 1",)),
        ("- region", ("expected settings",)),
    ],
)
def test_what_is_wrong_is_refused_by_name(tmp_path: Path, text: str, told: tuple[str, ...]) -> None:
    """A wrong setting is refused with its key and what would be right."""
    message = refusal(tmp_path, text)
    assert [part for part in told if part not in message] == []


def test_a_barrier_of_zero_is_off_whatever_the_drain(tmp_path: Path) -> None:
    """A limit of 0 turns the barrier off and isn't compared with the drain."""
    environ = {"ROTATOR_HOME": str(tmp_path), "ROTATOR_BARRIER_LIMIT": "0"}
    assert load_configuration(file=None, environ=environ).settings.barrier.limit == 0


def test_a_file_that_others_may_change_is_refused(tmp_path: Path) -> None:
    """Whoever may change the configuration decides where secrets go."""
    assert "chmod 600" in refusal(tmp_path, "region: eu-west-1", mode=0o620)


@pytest.mark.parametrize(
    "place", ["u:hunter2@db/r", "u:/hunter2?@db/r", "u@db/r?sslmode=require&password=hunter2"]
)
def test_a_readable_file_is_fine_until_it_holds_a_password(tmp_path: Path, place: str) -> None:
    """A world-readable file is refused only where a password stands in it; the message omits it."""
    message = refusal(tmp_path, f"store: {{url: 'postgresql+psycopg://{place}'}}", mode=0o644)
    assert "store.url" in message
    assert "hunter2" not in message
    for fine in ("region: eu-west-1", "store: {url: 'postgresql+psycopg://u@db:5432/r'}"):
        file = write(tmp_path / "c.yaml", fine, mode=0o644)
        assert load_configuration(file=file, environ={"ROTATOR_HOME": str(tmp_path)}).file == file


def test_a_password_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    """A file: reference insists on a private file and says how to make it one."""
    write(tmp_path / "password", "hunter2", mode=0o644)
    message = refusal(tmp_path, "store: {password: file:password}")
    assert "store.password" in message
    assert "chmod 600" in message
    assert "hunter2" not in message


def test_a_wrong_environment_variable_is_named_itself(tmp_path: Path) -> None:
    """The message names the variable, not the file."""
    message = refusal(tmp_path, "region: eu-west-1", ROTATOR_RETRY_ATTEMPTS="many")
    assert message.startswith("ROTATOR_RETRY_ATTEMPTS: expected a whole number")


def test_a_missing_file_says_where_its_name_came_from(tmp_path: Path) -> None:
    """A named file has to exist."""
    with pytest.raises(ConfigurationError, match="Correct --config or ROTATOR_CONFIG"):
        load_configuration(file=tmp_path / "absent.yaml", environ={"ROTATOR_HOME": str(tmp_path)})


def test_sealing_keys_come_by_reference_and_are_withheld_from_children(tmp_path: Path) -> None:
    """A variable or a file gives them; no repr shows them, and a variable is not handed on to rotators' processes."""
    write(tmp_path / "keys", "one:c2VjcmV0\n")
    environ = {"ROTATOR_HOME": str(tmp_path), "MY_KEYS": "one:c2VjcmV0"}
    for reference, referenced in (("'${MY_KEYS}'", {"MY_KEYS"}), ("file:keys", set())):
        text = "keys: {provider: env, sealing_keys: %s}" % reference  # noqa: UP031  # braces are YAML's
        loaded = load_configuration(file=write(tmp_path / "c.yaml", text), environ=environ)
        assert loaded.settings.keys.sealing_keys == "one:c2VjcmV0"
        assert loaded.referenced == referenced
        assert "c2VjcmV0" not in repr(loaded)
    assert unknown_variables(environ | {"ROTATOR_SEALING_KEYS": "one:c2VjcmV0"}) == ()


def test_sealing_keys_in_a_file_that_others_may_read_are_refused(tmp_path: Path) -> None:
    """What stands in the file itself needs a private file; the message does not quote it."""
    file = write(tmp_path / "c.yaml", "keys: {sealing_keys: 'one:c2VjcmV0'}")
    file.chmod(0o644)
    with pytest.raises(ConfigurationError, match=r"keys\.sealing_keys") as refused:
        load_configuration(file=file, environ={"ROTATOR_HOME": str(tmp_path)})
    assert "c2VjcmV0" not in str(refused.value)


CALENDARS = """
calendars:
  weekends:
    timezone: Europe/Berlin
    weekly: [SAT-SUN]
  year-end:
    dates: [2026-12-24, 2026-12-31 - 2027-01-01]
    icalendar: holidays.ics
    tags: {env: prod, tier: 1}
"""
HOLIDAY = """\
BEGIN:VCALENDAR
VERSION:2.0
PRODID:x
BEGIN:VEVENT
UID:1
DTSTART;VALUE=DATE:20260501
END:VEVENT
END:VCALENDAR
"""


def test_calendars_have_names(tmp_path: Path) -> None:
    """Each calendar is read as it is written; its file is read when it is needed, relative to the home."""
    (tmp_path / "holidays.ics").write_text(HOLIDAY)
    file = write(tmp_path / "c.yaml", CALENDARS)
    settings = load_configuration(file=file, environ={"ROTATOR_HOME": str(tmp_path)}).settings
    assert [calendar.name for calendar in settings.calendars] == ["weekends", "year-end"]
    weekends, year_end = settings.planner().calendars
    assert not weekends.tags
    assert year_end.tags == {"env": "prod", "tier": "1"}
    assert len(year_end.closings) == 3


def test_another_file_of_a_calendar_is_noticed(tmp_path: Path) -> None:
    """What due times depend on changes with the settings and with the file's content."""
    file, events = write(tmp_path / "c.yaml", CALENDARS), tmp_path / "holidays.ics"
    environ = {"ROTATOR_HOME": str(tmp_path)}
    digests = set()
    for text in (HOLIDAY, HOLIDAY.replace("0501", "0502"), HOLIDAY):
        events.write_text(text)
        settings = load_configuration(file=file, environ=environ).settings
        digests.add(settings.planner().calendars_digest)
    assert len(digests) == 2
    assert load_configuration(file=None, environ=environ).settings.planner().calendars_digest == ""


def test_calendars_may_come_from_the_environment(tmp_path: Path) -> None:
    """ROTATOR_CALENDARS holds the same as YAML, and goes before the file."""
    file = write(tmp_path / "c.yaml", CALENDARS)
    environ = {
        "ROTATOR_HOME": str(tmp_path),
        "ROTATOR_CALENDARS": "{nights: {weekly: 22:00-06:00}}",
    }
    settings = load_configuration(file=file, environ=environ).settings
    assert [calendar.weekly for calendar in settings.calendars] == [("22:00-06:00",)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("calendars: [a]", "calendars: expected a section"),
        ("calendars: {a: SAT}", "calendars.a: expected a section"),
        ("calendars: {a: {}}", "calendars.a: nothing is closed"),
        ("calendars: {a: {daily: x}}", "calendars.a.daily: there is no such setting"),
        ("calendars: {a: {weekly: [7]}}", "calendars.a.weekly: expected a list of texts"),
        ("calendars: {a: {weekly: someday}}", "calendars.a.weekly: 'someday' is no weekly range"),
        ("calendars: {a: {dates: 2026-02-30}}", "a value in it can't be: day is out of range"),
        ("calendars: {a: {dates: 24.12.}}", "calendars.a.dates: '24.12.' is no date"),
        (
            "calendars: {a: {weekly: SAT, timezone: Mars}}",
            "calendars.a.timezone: there is no time zone",
        ),
    ],
)
def test_a_calendar_that_can_not_be_read_is_refused(
    tmp_path: Path, text: str, message: str
) -> None:
    """The message names the setting."""
    assert message in refusal(tmp_path, text)


def test_calendars_of_the_environment_that_are_no_yaml_are_refused(tmp_path: Path) -> None:
    """The message names the variable, and where in it."""
    environ = {"ROTATOR_HOME": str(tmp_path), "ROTATOR_CALENDARS": "{nights: "}
    with pytest.raises(ConfigurationError, match="ROTATOR_CALENDARS, line 1: "):
        load_configuration(file=None, environ=environ)


def test_a_missing_file_of_a_calendar_is_told(tmp_path: Path) -> None:
    """The message names the setting and the file."""
    file = write(tmp_path / "c.yaml", CALENDARS)
    settings = load_configuration(file=file, environ={"ROTATOR_HOME": str(tmp_path)}).settings
    with pytest.raises(ConfigurationError, match=r"year-end\.icalendar: the file .*holidays\.ics"):
        settings.planner()
