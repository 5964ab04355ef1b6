"""What these rotators share: overlap `none`, no target, and a new value that is checked before it becomes current."""

from abc import abstractmethod
from collections.abc import Iterator

from rotator.sdk import (
    Candidate,
    Finding,
    Level,
    Misconfigured,
    Overlap,
    Preflight,
    Proof,
    Rotation,
    Rotator,
    SecretValue,
)


class GeneratedRotator(Rotator):
    """Makes values that only the store knows. Whoever uses one has to fetch it again."""

    made: str
    """What it makes, for messages: `key pair`."""

    overlap = Overlap.NONE

    def check_request(self, rotation: Rotation) -> None:
        """Whether the settings and the current value allow a new one. By default they do.

        Raises:
            Misconfigured: they don't; the message names what is wrong.
        """

    def preflight(self, rotation: Rotation) -> Preflight:
        """The settings are sound, and the current value is one that the new one can take the place of."""
        self.check_request(rotation)
        return Preflight(
            overlap=Overlap.NONE,
            findings=tuple(self.findings(rotation)),
            changes=(f"none: the new {self.made} is made here, and nothing outside is told",),
        )

    def findings(self, rotation: Rotation) -> Iterator[Finding]:  # noqa: ARG002  # for those that look closer
        """What preflight tells besides."""
        yield Finding(level=Level.OK, message=f"a new {self.made} can be made")

    def set_secret(self, rotation: Rotation) -> None:
        """Nothing to change."""

    @abstractmethod
    def check(self, value: SecretValue, rotation: Rotation) -> None:
        """Proves that a value is what this rotator makes: that its parts belong together.

        Raises:
            Misconfigured: it isn't; the message says why, without the value.
        """

    def test_secret(self, rotation: Rotation) -> None:
        """The new value is whole, and it is another one than before."""
        pending = rotation.value(Candidate.PENDING)
        self.check(pending, rotation)
        if pending == rotation.value(Candidate.CURRENT):
            raise Misconfigured(
                f"the new {self.made} is the same as the current one",
                hint="abort the rotation, so that the next one makes another: rotate abort",
            )


class CheckedRotator(GeneratedRotator):
    """Makes values that can be told from others by themselves, such as a private key beside its public key."""

    def probe(self, rotation: Rotation, candidate: Candidate) -> Proof:
        """Accepted where the value's parts belong together; a random value is refused."""
        try:
            self.check(rotation.value(candidate), rotation)
        except Misconfigured:
            return Proof.REFUSED
        return Proof.ACCEPTED


def other_fields(current: SecretValue) -> dict[str, object]:
    """The JSON object that the new value takes over, {} for a value of another form.

    A value that is replaced as a whole (bytes, PEM text, a placeholder) has nothing to keep.
    """
    try:
        return current.fields()
    except Misconfigured:
        return {}
