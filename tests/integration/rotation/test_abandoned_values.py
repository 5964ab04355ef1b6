"""Rotations that change nothing outside of the store, abandoned while they run."""

from rotator.model.rotation import Phase, Status
from rotator.rotation.report import Progress, ProgressKind
from rotator.sdk import SecretValue
from tests.support.house import House
from tests.support.manager import ME


def test_the_run_itself_ends_what_was_abandoned_under_it(house: House) -> None:
    """A put while a generated value is rotated holds, and the rotation is over at once: there is nothing to settle."""
    house.manager.create_secret(**ME, name="key", value=SecretValue(string="first"))
    house.pin("key", "generic-password", SecretValue(string="first"))

    def puts(progress: Progress) -> None:
        if (progress.phase, progress.kind) == (Phase.TEST, ProgressKind.STARTED):
            house.manager.put_secret_value(
                **ME, secret_id="key", value=SecretValue(string="theirs")
            )

    report = house.rotate("key", observer=puts)
    assert report.status is Status.ABANDONED
    assert house.history("key")[0].status == Status.ABANDONED
    assert house.value_at("key", "AWSCURRENT") == SecretValue(string="theirs")
    assert house.rotate("key").status is Status.SUCCEEDED
