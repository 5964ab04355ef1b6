"""A plugin that answers nonsense, leaks, floods, or ends its process: its own rotation fails, and nothing else."""

import base64
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rotator.model.rotation import Status
from rotator.rotation.answers import PluginBug
from rotator.rotation.child import ChildRotator
from rotator.rotation.guarded import GuardedRotator
from rotator.rotation.registry import RotatorRegistry
from rotator.sdk import (
    Candidate,
    OutcomeUnknown,
    Overlap,
    Rotation,
    Rotator,
    SecretValue,
    StepError,
    TargetRefused,
)
from rotator.sdk.log import LogLine
from tests.support import plugins
from tests.support.house import House
from tests.support.plugins import FileTarget
from tests.support.rotations import rotation_of

SECRETS = ("first password", "second 'password'")
ENCODED = (
    *SECRETS,
    *(base64.b64encode(f"app:{secret}".encode()).decode()[8:-4] for secret in SECRETS),
    *(secret.encode().hex() for secret in SECRETS),
)


@pytest.fixture
def store_engine() -> str:
    """One of the two: a rotator's process knows neither."""
    return "sqlite"


@pytest.fixture
def registry() -> Iterator[RotatorRegistry]:
    with plugins.installed() as registry:
        yield registry


@pytest.fixture
def rotator(registry: RotatorRegistry) -> Iterator[Rotator]:
    """As the engine makes it."""
    made = GuardedRotator(ChildRotator(registry.resolve("hostile")), quotes=True)
    yield made
    made.close()


def values(folder: Path, **fields: Any) -> dict[Candidate, SecretValue]:
    common = {"username": "app", "folder": str(folder)} | fields
    return {
        candidate: SecretValue.from_json(common | {"password": password})
        for candidate, password in zip((Candidate.CURRENT, Candidate.PENDING), SECRETS, strict=True)
    }


def failure_of(rotator: Rotator, folder: Path, *, at: str, how: str) -> StepError:
    """How the verb fails that does the harm."""
    step = rotation_of(values(folder, harm=f"{how} at {at}"), kind=ChildRotator)
    arguments: dict[str, tuple[Any, ...]] = {
        "probe": (step, Candidate.CURRENT),
        "claims": (step.current,),
    }
    with pytest.raises(StepError) as failed:
        getattr(rotator, at)(*arguments.get(at, (step,)))
    assert not any(secret in f"{failed.value} {failed.value.hint}" for secret in ENCODED)
    assert failed.value.__cause__ is None
    return failed.value


@pytest.mark.parametrize(
    "at", ["claims", "preflight", "create_secret", "set_secret", "finish_secret", "probe"]
)
def test_nonsense_is_told_without_the_value(rotator: Rotator, tmp_path: Path, at: str) -> None:
    """An answer of another type is the plugin's bug: the message names plugin, verb and type, and nothing it holds."""
    failed = failure_of(rotator, tmp_path, at=at, how="nonsense")

    assert isinstance(failed, PluginBug)
    assert f"the rotator hostile answered {at} with a dict" in failed.message


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("flood", "answered create_secret with a value of 3000000 bytes"),
        ("same", "answered create_secret with the current value"),
        ("garble", "wrote something else than answers"),
        ("nest", "wrote something else than answers"),
        ("unprintable", "failed in create_secret with _Unprintable"),
    ],
)
def test_what_can_not_be_used_is_the_plugins_bug(
    rotator: Rotator, tmp_path: Path, how: str, said: str
) -> None:
    """A value too large or the same again, an exception that can't be shown, bytes in the pipe of answers, JSON without
    end.
    """
    failed = failure_of(rotator, tmp_path, at="create_secret", how=how)

    assert isinstance(failed, PluginBug)
    assert said in failed.message


def test_a_new_value_is_not_told_by_an_exception(rotator: Rotator, tmp_path: Path) -> None:
    """Nobody knows yet what would have to be blanked, so of what create_secret raises the class alone is told."""
    failed = failure_of(rotator, tmp_path, at="create_secret", how="spill")

    assert isinstance(failed, PluginBug)
    assert "failed in create_secret with KeyError" in failed.message
    assert "the-new-value-itself" not in f"{failed.message} {failed.hint}"


class _Babbling(Rotator):
    """Has the target make a value, and says so at every opportunity."""

    name = "babbling"
    overlap = Overlap.DUAL
    issues_value = True
    made = "the-new-value-itself"

    def __init__(self, *, fails: bool) -> None:
        self._fails = fails

    def create_secret(self, rotation: Rotation) -> SecretValue:
        answer = f"the target answered {{'key': '{self.made}'}}"
        rotation.log.info(answer, key=self.made, size=20)
        if self._fails:
            raise TargetRefused(
                f"two keys at most, and {self.made} is one", hint=f"delete {self.made}"
            )
        return SecretValue(string=self.made)

    def set_secret(self, rotation: Rotation) -> None:
        raise NotImplementedError


@pytest.mark.parametrize("fails", [True, False])
def test_a_value_that_the_target_makes_is_not_told_while_nobody_knows_it(
    tmp_path: Path, fails: bool
) -> None:
    """Of createSecret's failures the class is told; its log without the value, or not at all where there is none."""
    lines: list[LogLine] = []
    rotator = GuardedRotator(_Babbling(fails=fails), quotes=True)
    step = replace(rotation_of(values(tmp_path), kind=_Babbling), sink=lines.append)

    if fails:
        with pytest.raises(TargetRefused, match="create_secret with TargetRefused") as failed:
            rotator.create_secret(step)
        assert failed.value.hint is not None
        assert _Babbling.made not in f"{failed.value!r} {failed.value.message} {failed.value.hint}"
        assert [line.message.split(":")[0] for line in lines] == [
            "1 lines of the rotator are left out"
        ]
    else:
        assert rotator.create_secret(step).string == _Babbling.made
        assert [line.message for line in lines] == ["the target answered {'key': '***'}"]
        assert {"key": "***", "size": 20}.items() <= lines[0].fields.items()
    assert _Babbling.made not in str(lines)


@pytest.mark.parametrize("how", ["exit", "kill"])
def test_a_process_that_ends_leaves_the_outcome_unknown(
    rotator: Rotator, tmp_path: Path, how: str
) -> None:
    """A plugin that exits in the middle of a change may have changed the target."""
    assert isinstance(failure_of(rotator, tmp_path, at="set_secret", how=how), OutcomeUnknown)


def test_no_encoding_gets_a_secret_out(rotator: Rotator, tmp_path: Path) -> None:
    """Message and hint of a plugin's own refusal lose every value, in base64, hexadecimal and nested reprs too."""
    failed = failure_of(rotator, tmp_path, at="set_secret", how="leak")

    assert isinstance(failed, TargetRefused)
    assert "***" in failed.message


def test_what_a_terminal_obeys_is_made_visible(rotator: Rotator, tmp_path: Path) -> None:
    """Control characters and half surrogates become readable, and a message without end is cut."""
    failed = failure_of(rotator, tmp_path, at="set_secret", how="control")

    assert failed.message.startswith(r"\x1b[2J\x00\ud800\u202exxx")
    assert len(failed.message) < 5000
    assert failed.hint == "5"


def test_a_flood_of_log_lines_is_cut_and_blanked(rotator: Rotator, tmp_path: Path) -> None:
    """What a plugin logs reaches the engine's log without the values, up to a number of lines."""
    lines: list[LogLine] = []
    step = rotation_of(
        values(tmp_path, harm="shout at set_secret"), kind=ChildRotator, sink=lines.append
    )

    with pytest.raises(TargetRefused, match="said it all"):
        rotator.set_secret(step)

    assert len(lines) == 200
    assert "left out" in lines[-1].message
    assert lines[0].message.startswith("0: ['***'")
    assert not any(secret in str(line) for line in lines for secret in ENCODED)


@pytest.mark.parametrize(
    "harm", ["nonsense at test_secret", "control at set_secret", "kill at finish_secret"]
)
def test_only_its_own_rotation_is_harmed(
    house: House, registry: RotatorRegistry, tmp_path: Path, harm: str
) -> None:
    """The rotation of a hostile plugin ends with its reason; another one rotates before and after it."""
    house.registry = registry
    engine = house.engine()
    (tmp_path / "sound").mkdir()
    sound = FileTarget(tmp_path / "sound").adopt(house, "generic")
    hostile = FileTarget(tmp_path).adopt(house, "hostile", harm=harm)
    assert house.rotate(sound, engine=engine).status is Status.SUCCEEDED

    report = house.rotate(hostile, engine=engine)

    assert house.rotate(sound, engine=engine).status is Status.SUCCEEDED
    assert report.status is Status.FAILED, report
    assert FileTarget(tmp_path).password == "first password"
    assert "first password" not in repr((report, house.history(hostile)))
