"""A rotator for simulated targets: what its verbs look at, and the change that they send after that."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from rotator.rotation.actions import Act
from rotator.sdk import Candidate, FailureKind, Overlap, Proof, Use
from tests.simulation.target import Credential, Target

Values = Mapping[Candidate, Credential]
Plan = Callable[[], None] | None
_OTHER_USER = {"app": "app_clone", "app_clone": "app"}


class Refusal(Exception):
    """A step that failed."""

    def __init__(self, kind: FailureKind) -> None:
        super().__init__(kind)
        self.kind = kind


@dataclass
class SimRotator:
    """The verbs on one target.

    Attributes:
        uses: sessions that are found with the old credential, the next one first; none once it is empty.
    """

    target: Target
    overlap: Overlap
    has_admin: bool
    uses: list[int] = field(default_factory=list)

    def create(self, values: Values, *, token: str) -> Credential:
        user = values[Candidate.CURRENT].user
        taking_turns = self.overlap is Overlap.ALTERNATING
        return Credential(_OTHER_USER[user] if taking_turns else user, f"of-{token}")

    def plan(self, act: Act, values: Values, live: Candidate) -> Plan:
        """Looks at the target. Gives the change that is sent then, None where none is needed.

        Raises:
            Refusal: it can't be done.
        """
        match act:
            case Act.SET:
                return self._set(values, live)
            case Act.REVERT:
                return self._revert(values, live)
            case Act.RETIRE:
                return self._retire(values)
            case _:
                raise AssertionError(act)

    def check_login(self, values: Values, live: Candidate) -> None:
        if not (self.has_admin or self.target.accepts(values[live])):
            raise Refusal(FailureKind.REFUSED)

    def test(self, values: Values) -> None:
        if not self.target.accepts(values[Candidate.PENDING]):
            raise Refusal(FailureKind.REFUSED)
        if self.overlap is Overlap.GAP and self.target.accepts(values[Candidate.CURRENT]):
            raise Refusal(FailureKind.REFUSED)

    def probe(self, values: Values, candidate: Candidate) -> Proof:
        return Proof.ACCEPTED if self.target.accepts(values[candidate]) else Proof.REFUSED

    def in_use(self) -> tuple[Use, ...]:
        count = self.uses.pop(0) if self.uses else 0
        return tuple(Use(user="app", client=str(number)) for number in range(count))

    def _first(self, credential: Credential) -> bool:
        return self.target.passwords.get(credential.user, [])[:1] == [credential.password]

    def _set(self, values: Values, live: Candidate) -> Plan:
        pending = values[Candidate.PENDING]
        if live is Candidate.PENDING or self._first(pending):
            return None
        self.check_login(values, live)
        if self.overlap is Overlap.DUAL:
            return lambda: self.target.retain(pending)
        return lambda: self.target.replace(pending)

    def _revert(self, values: Values, live: Candidate) -> Plan:
        if Candidate.PENDING not in values:
            if live is Candidate.CURRENT:
                return None  # what was pending can't have been set by this rotation
            raise Refusal(FailureKind.MISCONFIGURED)
        if self.overlap is Overlap.ALTERNATING:
            return self._take_back(values)
        if live is Candidate.CURRENT:
            return None
        self.check_login(values, live)
        return lambda: self.target.replace(values[Candidate.CURRENT])

    def _take_back(self, values: Values) -> Plan:
        pending, previous = values[Candidate.PENDING], values.get(Candidate.PREVIOUS)
        if previous is not None and previous.user == pending.user:
            return lambda: self.target.replace(previous)
        return lambda: self.target.disable(pending.user)

    def _retire(self, values: Values) -> Plan:
        current, pending = values[Candidate.CURRENT], values[Candidate.PENDING]
        if self.overlap is Overlap.ALTERNATING:
            if current.user == pending.user:
                raise Refusal(FailureKind.REFUSED)
            return lambda: self.target.disable(current.user)
        if not self._first(pending):
            raise Refusal(FailureKind.REFUSED)
        return lambda: self.target.discard(pending.user)
