"""A target of a few lines, and a rotator for it that behaves as the built-ins do."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from rotator.rotation.actions import Act
from rotator.sdk import Candidate, FailureKind, Overlap, Proof, Use


@dataclass(frozen=True, slots=True)
class Credential:
    user: str
    password: str


class Refusal(Exception):
    """What the rotator itself fails with when nothing is injected."""

    def __init__(self, kind: FailureKind) -> None:
        super().__init__(kind)
        self.kind = kind


@dataclass
class ToyTarget:
    """Users with their passwords, the primary one first."""

    passwords: dict[str, list[str]]
    by_hand: int = 0

    def accepts(self, credential: Credential) -> bool:
        return credential.password in self.passwords.get(credential.user, [])

    def replace(self, credential: Credential) -> None:
        self.passwords[credential.user] = [credential.password]

    def retain(self, credential: Credential, *, beside: Credential) -> None:
        """The new password first, the current one second, also where that was the second before: what MySQL's
        RETAIN CURRENT PASSWORD does for a rotator that makes it the first.
        """
        before = self.passwords[credential.user]
        if before[:1] != [credential.password]:
            kept = [beside.password] if beside.password in before else before[:1]
            self.passwords[credential.user] = [credential.password, *kept]

    def disable(self, user: str) -> None:
        self.passwords[user] = []

    def change_by_hand(self) -> None:
        self.by_hand += 1
        for user in self.passwords:
            self.passwords[user] = [f"by-hand-{self.by_hand}"]


@dataclass
class ToyRotator:
    """The verbs on a toy target."""

    target: ToyTarget
    overlap: Overlap
    has_admin: bool
    can_probe: bool
    can_revert: bool
    sent: set[str] = field(default_factory=set)  # passwords that setSecret was sent with, and took
    using: int | None = 0  # sessions with the old credential; None: the target can't tell
    made: int = field(default=0)

    def create(self, values: Mapping[Candidate, Credential]) -> Credential:
        self.made += 1
        current = values[Candidate.CURRENT].user
        taking_turns = self.overlap is Overlap.ALTERNATING
        user = {"app": "app_clone", "app_clone": "app"}[current] if taking_turns else current
        return Credential(user, f"made-{self.made}")

    def perform(
        self,
        act: Act,
        candidate: Candidate | None,
        values: Mapping[Candidate, Credential],
        live: Candidate,
    ) -> Proof | None:
        match act:
            case Act.PREFLIGHT:
                self._log_in(values, live)
            case Act.SET:
                self._set(values, live)
            case Act.TEST:
                self._refuse_unless(self.target.accepts(values[Candidate.PENDING]))
            case Act.REVERT:
                self._revert(values, live)
            case Act.RETIRE:
                self._retire(values)
            case Act.IN_USE:
                pass  # a question; `in_use` has the answer
            case Act.END_USE:
                self.using = 0
            case Act.PROBE:
                return self._probe(values, candidate)
            case _:
                raise AssertionError(act)
        return None

    def _log_in(self, values: Mapping[Candidate, Credential], live: Candidate) -> None:
        free = self.has_admin or self.overlap is Overlap.NONE
        self._refuse_unless(free or self.target.accepts(values[live]))

    @staticmethod
    def _refuse_unless(true: bool) -> None:
        if not true:
            raise Refusal(FailureKind.REFUSED)

    def _set(self, values: Mapping[Candidate, Credential], live: Candidate) -> None:
        pending = values[Candidate.PENDING]
        if live is Candidate.PENDING or (not self.has_admin and self.target.accepts(pending)):
            return
        self._log_in(values, live)
        self.sent.add(pending.password)
        if self.overlap is Overlap.DUAL:
            self.target.retain(pending, beside=values[Candidate.CURRENT])
        else:
            self.target.replace(pending)

    def _probe(self, values: Mapping[Candidate, Credential], candidate: Candidate | None) -> Proof:
        assert candidate is not None
        if not self.can_probe:
            raise Refusal(FailureKind.UNSUPPORTED)
        return Proof.ACCEPTED if self.target.accepts(values[candidate]) else Proof.REFUSED

    def in_use(self) -> tuple[Use, ...]:
        if self.using is None:
            raise Refusal(FailureKind.UNSUPPORTED)
        return tuple(Use(user="app", client=str(number)) for number in range(self.using))

    def _retire(self, values: Mapping[Candidate, Credential]) -> None:
        current, pending = values[Candidate.CURRENT], values[Candidate.PENDING]
        if self.overlap is Overlap.ALTERNATING:
            self._refuse_unless(current.user != pending.user)
            self.target.disable(current.user)
            return
        self._refuse_unless(self.target.passwords[pending.user][:1] == [pending.password])
        self.target.replace(pending)

    def _revert(self, values: Mapping[Candidate, Credential], live: Candidate) -> None:
        if not self.can_revert:
            raise Refusal(FailureKind.UNSUPPORTED)
        if self.overlap is Overlap.ALTERNATING:
            self._take_back(values)
        elif live is not Candidate.CURRENT:
            self._log_in(values, live)
            self.target.replace(values[Candidate.CURRENT])

    def _take_back(self, values: Mapping[Candidate, Credential]) -> None:
        if Candidate.PENDING not in values:
            raise Refusal(FailureKind.MISCONFIGURED)
        pending = values[Candidate.PENDING]
        previous = values.get(Candidate.PREVIOUS)
        if previous is not None and previous.user == pending.user:
            self.target.replace(previous)
        else:
            self.target.disable(pending.user)
