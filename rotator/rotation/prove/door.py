"""Logs in with a secret's value by its rotator, as an application would."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from rotator.model.rotation import MachineState
from rotator.rotation.authority import require_agreement
from rotator.rotation.claim import Claim
from rotator.rotation.values import Values
from rotator.sdk import Candidate, Proof, Rotation, Rotator, SecretValue, clock

NEVER_OLDER = 99_999
"""The fencing number of a client's sessions, so that no owner of a rotation ends them as an older owner's."""


@dataclass(slots=True)
class RotatorDoor:
    """One login after the other, each by an instance of its own, so that nothing of the one before is used.

    Attributes:
        make: a new instance.
        template: what the rotator is given, without values.
        limit: seconds that a login may take.
    """

    make: Callable[[], Rotator]
    template: Rotation
    limit: float
    _rotator: Rotator | None = None
    _agreed: SecretValue | None = None

    def prepare(self) -> None:
        """Makes the instance and, where it runs in a process of its own, starts that.

        A login must begin as soon as the credential was read, so this comes before it.
        """
        if self._rotator is None:
            self._rotator = self.make()
            if self._agreed is not None:
                self._rotator.claims(self._agreed)

    def log_in(self, value: SecretValue) -> Proof:
        """Whether the target lets the value in.

        Raises:
            Misconfigured: the value names another server or user than was pinned, so it is sent nowhere.
            NotSupported: the rotator can't log in.
            StepError: the login failed for another reason than that the credential was refused.
        """
        self.prepare()
        rotator = self._rotator or self.make()
        if value != self._agreed:
            require_agreement(claimed=rotator.claims(value), pinned=self.template.authority)
            self._agreed = value
        request = replace(
            self.template, values={Candidate.CURRENT: value}, deadline=clock() + self.limit
        )
        return rotator.log_in(request, Candidate.CURRENT)

    def close(self) -> None:
        """Ends what the login left open."""
        if self._rotator is not None:
            self._rotator.close()
            self._rotator = None


def door_of(
    claim: Claim, values: Values, *, make: Callable[[], Rotator], limit: float
) -> RotatorDoor:
    """The door of a claimed secret, which keeps none of the claim's values.

    Raises:
        Misconfigured: the rotator's settings are not what its model says.
    """
    rotator = make()
    try:
        request = values.request(claim, MachineState(), rotator=rotator, deadline=0.0)
    finally:
        rotator.close()
    template = replace(request, values={}, admin=None, fencing=NEVER_OLDER)
    return RotatorDoor(make=make, template=template, limit=limit)
