"""What passes between engine and rotator: all of it goes through a pipe and comes back the same."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotator.sdk import (
    Authority,
    Candidate,
    Finding,
    Level,
    Misconfigured,
    OutcomeUnknown,
    Overlap,
    PasswordSettings,
    Preflight,
    Rotation,
    SecretValue,
    StepError,
    TargetRefused,
    TargetUnreachable,
    clock,
)
from rotator.sdk.errors import step_error_from_wire
from rotator.sdk.log import LogLine

VALUES = st.builds(SecretValue, string=st.text()) | st.builds(SecretValue, binary=st.binary())
PORTS = st.none() | st.integers(1, 65535)
ROTATIONS = st.builds(
    Rotation,
    rotation_id=st.text(),
    secret_arn=st.text(),
    secret_name=st.text(),
    token=st.text(),
    fencing=st.integers(0),
    attempt=st.integers(1),
    values=st.dictionaries(st.sampled_from(Candidate), VALUES),
    live=st.sampled_from(Candidate),
    admin=st.none() | VALUES,
    authority=st.builds(
        Authority,
        host=st.none() | st.text(),
        port=PORTS,
        admin=st.none() | st.text(),
        users=st.lists(st.text()).map(tuple),
    ),
    overlap=st.none() | st.sampled_from(Overlap),
    require_overlap=st.booleans(),
    allow_privileged=st.booleans(),
    allow_other_server=st.booleans(),
    settings=st.builds(
        PasswordSettings, length=st.integers(16, 128), exclude_characters=st.text(max_size=20)
    ),
    trust=st.none() | st.text(),
    deadline=st.floats(allow_nan=False, allow_infinity=False),
)
PREFLIGHTS = st.builds(
    Preflight,
    overlap=st.sampled_from(Overlap),
    findings=st.lists(
        st.builds(
            Finding,
            level=st.sampled_from(Level),
            message=st.text(),
            remedy=st.none() | st.text(),
        )
    ).map(tuple),
    changes=st.lists(st.text()).map(tuple),
)
REQUEST = Rotation(
    rotation_id="3f2504e04f8941d39a0c0305e82c3301",
    secret_arn="arn:aws:secretsmanager:eu-central-1:123456789012:secret:app-abc123",
    secret_name="app",
    token="t" * 32,
    fencing=7,
    attempt=1,
    values={Candidate.CURRENT: SecretValue(string="plain text")},
    deadline=0.0,
)
ERRORS = [*StepError.__subclasses__(), *TargetRefused.__subclasses__()]
SDK_ERRORS = [kind for kind in ERRORS if kind.__module__ == StepError.__module__]


@given(rotation=ROTATIONS)
def test_a_request_passes_a_pipe_unchanged(rotation: Rotation) -> None:
    """A request comes back equal from JSON, with its enumerations, tuples and values."""
    back = Rotation.from_wire(json.loads(json.dumps(rotation.to_wire())))

    assert back == rotation
    assert isinstance(back.live, Candidate)
    assert back.overlap is rotation.overlap


@given(preflight=PREFLIGHTS)
def test_a_preflight_passes_a_pipe_unchanged(preflight: Preflight) -> None:
    """A preflight comes back equal from JSON, and with the same refusals."""
    back = Preflight.from_wire(json.loads(json.dumps(preflight.to_wire())))

    assert back == preflight
    assert back.refusals == tuple(f for f in preflight.findings if f.level is Level.REFUSAL)


@pytest.mark.parametrize("kind", SDK_ERRORS)
@given(message=st.text(), hint=st.none() | st.text())
def test_errors_keep_their_class(kind: type[StepError], message: str, hint: str | None) -> None:
    """An error of the SDK comes back as the class that it was, with message and hint."""
    back = step_error_from_wire(json.loads(json.dumps(kind(message, hint=hint).to_wire())))

    assert type(back) is kind
    assert (back.message, back.hint) == (message, hint)


def test_a_strangers_error_has_an_unknown_outcome() -> None:
    """A class that the engine doesn't know says nothing about the target."""

    class Peculiar(TargetUnreachable):
        """A plugin's own."""

    assert type(step_error_from_wire(Peculiar("gone").to_wire())) is OutcomeUnknown


def test_a_request_does_not_show_its_values() -> None:
    """The repr of a request names the values that it carries, never what they hold."""
    assert "plain text" not in repr(replace(REQUEST, admin=SecretValue(string="plain text")))


def test_a_missing_value_is_a_misconfiguration() -> None:
    """Asking for a value that the secret doesn't have says what to do."""
    with pytest.raises(Misconfigured, match="no previous value"):
        REQUEST.value(Candidate.PREVIOUS)


def test_the_tag_of_a_session_fits_the_longest_name() -> None:
    """A session's tag names secret, rotation and fencing number within 63 bytes."""
    tag = replace(REQUEST, fencing=99999).session_tag

    assert tag == f"{REQUEST.session_prefix}{REQUEST.rotation_id}/99999"
    assert len(tag.encode()) <= 63


def test_the_tags_of_all_rotations_of_a_secret_begin_alike() -> None:
    """A later rotation of the same secret finds the sessions of an earlier one, those of another secret it doesn't."""
    later = replace(REQUEST, rotation_id="f" * 32)
    other = replace(REQUEST, secret_arn=REQUEST.secret_arn + "x")

    assert REQUEST.session_tag.startswith(later.session_prefix)
    assert not REQUEST.session_tag.startswith(other.session_prefix)


def test_the_deadline_stops_a_change() -> None:
    """Before the deadline a change may be sent, after it no more: nothing was changed then."""
    replace(REQUEST, deadline=clock() + 60).check_deadline()

    with pytest.raises(TargetUnreachable):
        replace(REQUEST, deadline=clock() - 1).check_deadline()


def test_a_rotations_log_tells_no_value() -> None:
    """What a rotator logs has none of the rotation's values in it, in text and in fields, however they are quoted."""
    lines: list[LogLine] = []
    value = SecretValue(string='{"password": "pa\\"ss word"}')
    step = replace(REQUEST, values={Candidate.CURRENT: value}, sink=lines.append)

    named = {'pa"ss word': True}  # as what a plugin passes on of an answer
    step.log.warning(
        'tried pa"ss word', url="x://u:pa%22ss%20word@h", tries=3, error=KeyError("a"), **named
    )

    (line,) = lines
    assert line.level == "warning"
    assert line.message == "tried ***"
    assert line.fields == {
        "secret_name": "app",
        "rotation_id": REQUEST.rotation_id,
        "url": "x://u:***@h",
        "tries": 3,
        "error": "'a'",
        "***": True,
    }


def test_a_long_line_is_cut() -> None:
    """A rotator that logs a whole answer doesn't flood the engine's log."""
    lines: list[LogLine] = []
    replace(REQUEST, sink=lines.append).log.info("x" * 9999, body="y" * 9999)

    assert len(lines[0].message) < 2100
    assert len(str(lines[0].fields["body"])) < 2100
