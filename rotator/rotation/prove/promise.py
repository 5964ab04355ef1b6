"""What a strategy promises to clients, and what a failed login means by it. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from rotator.rotation.prove.logins import Login, Outcome
from rotator.sdk import Overlap

_UNTIL_RETIRED = (
    "no login fails, whether its credential was just read or held for less than the grace period"
)
_UNTIL_THE_NEXT = (
    "no login fails, whether its credential was just read or held until the next rotation"
)
_WITH_A_GAP = (
    "no login fails that ends within the drain ({drain:g} ms) after its credential was read; a held one is "
    "refused once, and reading it again heals that"
)


class Fault(StrEnum):
    """What a failed login means."""

    BROKEN = "broken"  # it was promised not to happen
    HELD = "held"  # a held value was refused, which reading it again has to heal
    LATE = "late"  # a value that was just read, but the login took longer than the drain


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What a rotation promises by its overlap.

    Attributes:
        drain: seconds that the engine lets clients log in with what they read before the target changes.
        grace: seconds that the old credential goes on logging in, None where nothing but the next rotation ends that.
    """

    overlap: Overlap
    drain: float
    grace: float | None = None

    @property
    def sentence(self) -> str:
        """What is promised, in words."""
        if self.overlap is Overlap.GAP:
            return _WITH_A_GAP.format(drain=self.drain * 1000)
        return _UNTIL_THE_NEXT if self.grace is None else _UNTIL_RETIRED

    def judge(self, login: Login) -> Fault | None:
        """What a login means; None where it succeeded.

        Only where one credential at a time is accepted may it be refused at all, and only to who read it longer ago
        than the drain. That the secret can't be read, or the target has no room, is excused by nothing.
        """
        if login.outcome is Outcome.ACCEPTED:
            return None
        excusable = self.overlap is Overlap.GAP and login.outcome is Outcome.REFUSED
        if not excusable or login.age <= self.drain:
            return Fault.BROKEN
        return Fault.HELD if login.waited is None else Fault.LATE
