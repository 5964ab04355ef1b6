"""What a rotator has without saying so: defaults that a short rotator builds on."""

from dataclasses import replace

import pytest

from rotator.sdk import (
    Authority,
    Candidate,
    Level,
    Misconfigured,
    NotSupported,
    Overlap,
    PasswordSettings,
    Preflight,
    Proof,
    Rotation,
    Rotator,
    SecretValue,
    TargetRefused,
)


class Smallest(Rotator):
    """As little as a rotator can be."""

    name = "smallest"

    def set_secret(self, rotation: Rotation) -> None:
        self.accepted = [rotation.pending]

    def probe(self, rotation: Rotation, candidate: Candidate) -> Proof:
        known = rotation.value(candidate) in self.accepted
        return Proof.ACCEPTED if known else Proof.REFUSED


class Quiet(Smallest):
    """Says that it can't probe, although it inherits the verb."""

    can_probe = False


class QuietHeir(Quiet):
    """Inherits that."""


class Reverting:
    """A verb that comes from no rotator."""

    def revert_secret(self, rotation: Rotation) -> None:
        """Nothing."""


class Mixed(Reverting, Smallest):
    """Takes a verb from elsewhere."""


def rotation(text: str = '{"username": "app", "password": "old"}') -> Rotation:
    return Rotation(
        rotation_id="r",
        secret_arn="arn:s",
        secret_name="s",
        token="t",
        fencing=1,
        attempt=1,
        values={Candidate.CURRENT: SecretValue(string=text)},
        deadline=0.0,
    )


def with_pending(step: Rotation, text: str, *, overlap: Overlap) -> Rotation:
    values = {**step.values, Candidate.PENDING: SecretValue(string=text)}
    return replace(step, values=values, overlap=overlap)


def test_a_rotator_declares_what_it_overrides() -> None:
    """It can probe or put back where it brings the verb, unless it or a parent says otherwise."""
    assert (Smallest.can_probe, Smallest.can_revert) == (True, False)
    assert (Quiet.can_probe, QuietHeir.can_probe) == (False, False)
    assert (Mixed.can_probe, Mixed.can_revert) == (True, True)
    assert not Smallest.issues_value


def test_the_defaults_claim_and_promise_little() -> None:
    """Nothing is claimed, the overlap is the declared one, and what isn't there is not supported."""
    assert Smallest().claims(rotation().current) == Authority()
    assert Smallest().preflight(rotation()) == Preflight(overlap=Overlap.GAP)
    with pytest.raises(NotSupported, match="smallest can't put the target back"):
        Smallest().revert_secret(rotation())


def test_an_overlap_that_is_required_is_refused_where_there_is_none() -> None:
    """The default preflight of a rotator with a gap refuses, and says which setting asks for it."""
    (finding,) = Smallest().preflight(replace(rotation(), require_overlap=True)).findings
    assert finding.level is Level.REFUSAL
    assert "--overlap prefer" in str(finding.remedy)


def test_a_new_password_replaces_the_field_password() -> None:
    """All but the password stays as it is, and the settings shape it."""
    step = replace(rotation(), settings=PasswordSettings(length=64, punctuation=False))
    new = Smallest().create_secret(step).fields()
    assert new["username"] == "app"
    assert len(new["password"]) == 64
    assert new["password"].isalnum()


def test_a_bare_password_is_replaced_as_a_whole() -> None:
    """A text that is no JSON object is the password."""
    new = Smallest().create_secret(rotation("just a password")).string
    assert new is not None
    assert len(new) == 32


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (SecretValue(string='{"username": "app"}'), '"password" is missing'),
        (SecretValue(binary=b"old"), "binary"),
    ],
)
def test_what_has_no_password_is_refused(value: SecretValue, said: str) -> None:
    """Where no password can be found the default makes none up."""
    step = replace(rotation(), values={Candidate.CURRENT: value})
    with pytest.raises(Misconfigured, match=said):
        Smallest().create_secret(step)


def test_the_default_test_asks_the_probe() -> None:
    """The new value has to be accepted, and with a gap the old one refused."""
    step = with_pending(rotation("old"), "new", overlap=Overlap.GAP)
    rotator = Smallest()
    rotator.set_secret(step)
    rotator.test_secret(step)

    rotator.accepted = [step.current, step.pending]
    with pytest.raises(TargetRefused, match="still accepts the old value"):
        rotator.test_secret(step)
    rotator.test_secret(replace(step, overlap=Overlap.DUAL))

    rotator.accepted = []
    with pytest.raises(TargetRefused, match="refuses the new value"):
        rotator.test_secret(step)


def test_the_values_have_names() -> None:
    """A request gives the values by what they are; a previous one may be missing."""
    step = with_pending(rotation("old"), "new", overlap=Overlap.GAP)
    assert (step.current.string, step.pending.string, step.previous) == ("old", "new", None)
    with pytest.raises(Misconfigured, match="no pending value"):
        _ = rotation().pending
