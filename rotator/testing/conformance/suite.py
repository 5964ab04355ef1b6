"""The suite itself. Its tests drive the real engine on a store in a folder, and the author's target."""

import io
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from rotator import telemetry
from rotator.model.rotation import Status
from rotator.rotation.loading import why_unusable
from rotator.rotation.report import Report
from rotator.sdk import Overlap, Rotation, Rotator, SecretValue, StepError, scrub
from rotator.testing.conformance.around import LosingAnswers, refusing_the_test, twice
from rotator.testing.conformance.bench import Bench
from rotator.testing.conformance.killing import Killer
from rotator.testing.conformance.processes import started_processes
from rotator.testing.conformance.target import HOSTILE_NAMES, ConformanceTarget


class RotatorConformance:
    """What every rotator has to do. A subclass names the rotator and brings the fixture `target`.

    Attributes:
        rotator: the class under test; a module that can be imported has it.
        overlap: what preflight resolves on this target; None: what the rotator declares.
        hostile_names: names of users to try; `HOSTILE_NAMES` by default, fewer where the target allows fewer.
    """

    rotator: ClassVar[type[Rotator]]
    overlap: ClassVar[Overlap | None] = None
    hostile_names: ClassVar[tuple[str, ...]] = tuple(HOSTILE_NAMES.values())

    @pytest.fixture
    def bench(self, tmp_path: Path) -> Iterator[Bench]:
        """A new store."""
        reference = f"{self.rotator.__module__}:{self.rotator.__qualname__}"
        bench = Bench.make(tmp_path, reference=reference)
        yield bench
        bench.close()

    def test_it_is_declared_soundly(self) -> None:
        """The engine can use the class, and each of its settings says what it means."""
        assert why_unusable(self.rotator, self.rotator.__qualname__) is None
        assert [
            each.name for each in self.rotator.settings_model.describe() if not each.meaning
        ] == []

    def test_a_rotation_keeps_what_its_overlap_promises(
        self, bench: Bench, target: ConformanceTarget
    ) -> None:
        """After each of two rotations the new value logs in, the old one as the overlap says, none that is retired."""
        name, old = self._adopted(bench, target)
        for _ in range(2):
            report = bench.rotate(name)
            assert report.overlap is self._expected_overlap, report
            new = self._current(bench, name)
            self._check(target, new, accepted=True)
            assert new != old
            if report.overlap is Overlap.GAP:
                self._check(target, old, accepted=False)
            if report.overlap in {Overlap.DUAL, Overlap.ALTERNATING}:
                self._check(target, old, accepted=True)
            self._retire(bench, name, report)
            self._check(target, new, accepted=True)
            self._check(target, old, accepted=False)
            old = new

    def test_steps_may_be_repeated(self, bench: Bench, target: ConformanceTarget) -> None:
        """Every step that is done twice leaves what it leaves when it is done once."""
        name, _ = self._adopted(bench, target)
        report = bench.rotate(name, twice)
        assert report.status in {Status.SUCCEEDED, Status.GRACE}, report
        if report.status is Status.GRACE:
            retired = bench.retire(name, twice)
            assert retired is not None
            assert retired.status is Status.SUCCEEDED, retired
        self._check(target, self._current(bench, name), accepted=True)

    @pytest.mark.parametrize("changed", [True, False])
    def test_a_lost_answer_is_settled(
        self, bench: Bench, target: ConformanceTarget, changed: bool
    ) -> None:
        """Where nobody knows whether setSecret changed the target, the rotation succeeds with the same value."""
        name, _ = self._adopted(bench, target)
        report = bench.rotate(name, LosingAnswers(changed=changed))
        assert report.status in {Status.SUCCEEDED, Status.GRACE}, report
        self._check(target, self._current(bench, name), accepted=True)

    def test_a_failed_rotation_leaves_the_target_as_it_declares(
        self, bench: Bench, target: ConformanceTarget
    ) -> None:
        """Where the new value fails its test, the old one lives on, and the new one not if the rotator can revert."""
        name, old = self._adopted(bench, target)
        refused: list[SecretValue] = []

        def remembering(rotator: Rotator) -> Rotator:
            set_secret = rotator.set_secret

            def remember(rotation: Rotation) -> None:
                refused.append(rotation.pending)
                set_secret(rotation)

            rotator.set_secret = remember  # type: ignore[method-assign]  # on this instance
            return refusing_the_test(rotator)

        report = bench.rotate(name, remembering)
        assert self._current(bench, name) == old
        if self._expected_overlap is Overlap.NONE or (
            self.rotator.can_probe and self.rotator.can_revert
        ):
            assert report.status is Status.FAILED, report
            assert bench.value(name, "AWSPENDING") is None
            self._check(target, old, accepted=True)
            self._check(target, refused[-1], accepted=False)
        else:
            assert report.status is Status.UNVERIFIED, report
            assert bench.value(name, "AWSPENDING") == refused[-1]

    def test_a_kill_at_any_point_loses_nothing(
        self, bench: Bench, target: ConformanceTarget
    ) -> None:
        """Rotations are killed at each point in turn; each is resumed, and then exactly the new value logs in."""
        name, _ = self._adopted(bench, target)
        killer = Killer(bench.folder, reference=bench.reference)
        try:
            point = 1
            while killer.rotate(name, kill_at=point):
                self._resume(bench, target, name, point)
                point += 1
        finally:
            killer.close()
        assert point > 4, "a rotation has more points than that"

    def test_the_probe_tells_what_it_declares(
        self, bench: Bench, target: ConformanceTarget
    ) -> None:
        """The stored value is accepted and a wrong one refused, or else the rotator says that it can't tell."""
        name, current = self._adopted(bench, target)
        outcomes = [bench.verify(name).proofs[0].outcome]
        if self._expected_overlap is not Overlap.NONE:
            bench.put(name, target.wrong(current))
            outcomes.append(bench.verify(name).proofs[0].outcome)
        if not self.rotator.can_probe:
            assert not {"accepted", "refused"} & set(outcomes)
        else:
            assert outcomes == ["accepted", "refused"][: len(outcomes)]

    def test_hostile_names_are_names(self, bench: Bench, target: ConformanceTarget) -> None:
        """A user whose name holds quotes, formats or statements is rotated like any other, and nobody else is."""
        bystander = target.new_credential(_unique("bystander"))
        for hostile in self.hostile_names:
            value = target.new_credential(f"{hostile}{secrets.token_hex(3)}")
            name = bench.adopt(target, value)
            for _ in range(2):
                report = bench.rotate(name)
                assert report.status in {Status.SUCCEEDED, Status.GRACE}, report
                self._check(target, self._current(bench, name), accepted=True)
        self._check(target, bystander, accepted=True)

    def test_no_value_gets_out(
        self, bench: Bench, target: ConformanceTarget, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """No value is in a message, a log, the history or an argument of a process, whether a rotation works or not."""
        name, first = self._adopted(bench, target)
        values, said = [first], [repr(bench.plan(name))]
        log = io.StringIO()
        telemetry.configure(level="debug", json=True, stream=log)
        try:
            with started_processes() as processes:
                said.append(repr(bench.rotate(name)))
                values.append(self._current(bench, name))
                said.append(repr(bench.rotate(name, refusing_the_test)))
                bench.put(name, target.wrong(values[-1]))
                values.append(self._current(bench, name))
                said += [repr(bench.verify(name)), _failing(bench, name)]
                values.append(self._current(bench, name))
        finally:
            telemetry.configure(level="warning")
        told = capfd.readouterr()
        everything = "\n".join(
            [*said, bench.told(name), log.getvalue(), told.out, told.err, *processes]
        )
        for place, text in {
            "what is told": everything,
            "the target's log": target.logged(),
        }.items():
            for value in values:
                assert scrub(text, [value]) == text, f"{place} has a value in it"

    # What they are made of.

    @property
    def _expected_overlap(self) -> Overlap:
        return self.rotator.overlap if self.overlap is None else self.overlap

    def _adopted(self, bench: Bench, target: ConformanceTarget) -> tuple[str, SecretValue]:
        value = target.new_credential(_unique("app"))
        return bench.adopt(target, value), value

    def _current(self, bench: Bench, name: str) -> SecretValue:
        value = bench.value(name)
        assert value is not None
        return value

    def _check(self, target: ConformanceTarget, value: SecretValue, *, accepted: bool) -> None:
        if self._expected_overlap is not Overlap.NONE:
            assert target.logs_in(value) is accepted

    def _retire(self, bench: Bench, name: str, report: Report) -> None:
        assert report.status in {Status.SUCCEEDED, Status.GRACE}, report
        retired = bench.retire(name)
        if report.overlap in {Overlap.DUAL, Overlap.ALTERNATING}:
            assert retired is not None
            assert retired.status is Status.SUCCEEDED, retired

    def _resume(self, bench: Bench, target: ConformanceTarget, name: str, point: int) -> None:
        resumed = bench.resume(name)
        if resumed is not None:
            assert resumed.status in {Status.SUCCEEDED, Status.GRACE}, (point, resumed.failure)
        retired = bench.retire(name)
        if retired is not None:
            assert retired.status is Status.SUCCEEDED, (point, retired.failure, retired)
        assert bench.value(name, "AWSPENDING") is None, point
        self._check(target, self._current(bench, name), accepted=True)
        previous = bench.value(name, "AWSPREVIOUS")
        if previous is not None and (retired is not None or self._expected_overlap is Overlap.GAP):
            self._check(target, previous, accepted=False)


def _failing(bench: Bench, name: str) -> str:
    """What is said of a rotation whose stored value the target refuses; with an admin secret it may well succeed."""
    try:
        return repr(bench.rotate(name))
    except (StepError, Exception) as refused:  # noqa: BLE001  # whatever it says must not have a value in it
        return repr(refused)


def _unique(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(6)}"
