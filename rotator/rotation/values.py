"""The plaintext that one run needs, and the requests that carry it to the rotator."""

from collections.abc import Iterable, Iterator
from contextlib import suppress

from rotator.crypto.envelope import Sealer
from rotator.errors import DecryptionFailure, InvalidRequest, KeyUnavailable
from rotator.manager.settings import RotationOptions, pinned_authority, rotation_options
from rotator.model import labels as names
from rotator.model.rotation import Goal, MachineState
from rotator.rotation.authority import require_agreement
from rotator.rotation.claim import Claim, seal_context
from rotator.rotation.kinship import Kinship, kinship
from rotator.sdk import (
    Authority,
    Candidate,
    Misconfigured,
    Rotation,
    Rotator,
    RotatorSettings,
    SecretValue,
)
from rotator.store.secrets import SecretRow
from rotator.store.versions import VersionRow


def _needed(goal: Goal) -> tuple[Candidate, ...]:
    """The values without which there is no way to the goal."""
    if goal is Goal.ROTATE:
        return (Candidate.CURRENT, Candidate.PENDING)
    return (Candidate.CURRENT,)


class Values:
    """Opens the values of a claim once, and checks what they claim before a rotator sees them."""

    def __init__(self, claim: Claim, *, sealer: Sealer, trust: str | None) -> None:
        self._sealer = sealer
        self._trust = trust
        self._secret = claim.secret
        self._authority = pinned_authority(claim.secret) or Authority()
        self._options = rotation_options(claim.secret)
        self._values = dict(self._opened(claim))
        self._pinned = self._opened_beside(claim) if claim.pinned else []
        self._admin = None if claim.admin is None else self._open(*claim.admin)
        self._rival = None if claim.rival is None else self._open(claim.secret, claim.rival)
        self._agreed: set[Candidate] = set()
        self._left_over: tuple[SecretValue, ...] | None = None
        self._refused: list[SecretValue] = []
        self._settings: tuple[type[RotatorSettings], RotatorSettings] | None = None

    def _opened(self, claim: Claim) -> Iterator[tuple[Candidate, SecretValue]]:
        """The values; one that only might have been tried is left out where it can't be opened."""
        for candidate, row in claim.candidates.items():
            try:
                yield candidate, self._open(claim.secret, row)
            except (DecryptionFailure, KeyUnavailable):
                if candidate in _needed(claim.state.goal):
                    raise

    def _opened_beside(self, claim: Claim) -> list[SecretValue]:
        found = []
        for row in claim.pinned:
            with suppress(DecryptionFailure, KeyUnavailable):
                found.append(self._open(claim.secret, row))
        return found

    def _open(self, secret: SecretRow, row: VersionRow) -> SecretValue:
        if row.sealed is None:
            raise Misconfigured(f"version {row.version_id} of {secret.name} has no value")
        return self._sealer.open(row.sealed, context=seal_context(secret, row.version_id))

    @property
    def options(self) -> RotationOptions:
        """What the secret's settings allow or demand."""
        return self._options

    @property
    def candidates(self) -> frozenset[Candidate]:
        """What there is to probe."""
        return frozenset(self._values)

    @property
    def current(self) -> SecretValue:
        """The current value.

        Raises:
            InvalidRequest: there is none.
        """
        found = self._values.get(Candidate.CURRENT)
        if found is None:
            raise InvalidRequest(f"{self._secret.name} has no value yet. Put one first.")
        return found

    @property
    def has_admin(self) -> bool:
        """Whether an admin secret is pinned."""
        return self._admin is not None

    def all(self) -> Iterable[SecretValue]:
        """Every plaintext that a message might leak."""
        admin = [] if self._admin is None else [self._admin]
        return [*self._values.values(), *self._pinned, *self._refused, *admin]

    def kinship(self, *, of_current: bool) -> dict[str, Kinship]:
        """What those that have a label share with the value that is to be retired, by label.

        Args:
            of_current: AWSCURRENT is not the rotation's own value.
        """
        old, new = (self._values.get(c) for c in (Candidate.CURRENT, Candidate.PENDING))
        found: dict[str, Kinship] = {}
        if old is None:
            return found
        made = self._values.get(Candidate.PINNED) if of_current else new
        if of_current and new is not None:
            found[names.CURRENT] = kinship(new, old=old, new=made)
        if self._rival is not None:
            found[names.PENDING] = kinship(self._rival, old=old, new=made)
        return found

    def add_pending(self, value: SecretValue) -> None:
        """The new value; what it claims is checked like the others'."""
        self._values[Candidate.PENDING] = value
        self._agreed.discard(Candidate.PENDING)

    def give_up_pending(self) -> None:
        """The target refused the new value; no message may have it all the same."""
        self._refused.append(self._values.pop(Candidate.PENDING))

    def replace_admin(self, found: tuple[SecretRow, VersionRow] | None) -> bool:
        """Takes the admin secret as it was read again; whether it differs from before."""
        fresh = None if found is None else self._open(*found)
        changed = fresh is not None and fresh != self._admin
        self._admin = fresh
        return changed

    def agree(self, rotator: Rotator, *, goal: Goal) -> None:
        """Checks the values against the pinned authority.

        An older value that disagrees is left out, since it may be from before the rules were pinned again; so is a
        pending one on the way back, which no rotation under these rules can have set.

        Raises:
            Misconfigured: the current value disagrees, or the pending one that is to be set.
        """
        if self._left_over is not None and self._values.keys() <= self._agreed:
            return
        for candidate, value in list(self._values.items()):
            if candidate in self._agreed:
                continue
            try:
                require_agreement(claimed=rotator.claims(value), pinned=self._authority)
            except Misconfigured:
                if candidate in _needed(goal):
                    raise
                del self._values[candidate]
            else:
                self._agreed.add(candidate)
        if self._left_over is None:
            self._left_over = tuple(value for value in self._pinned if self._agrees(value, rotator))

    def _agrees(self, value: SecretValue, rotator: Rotator) -> bool:
        try:
            require_agreement(claimed=rotator.claims(value), pinned=self._authority)
        except Misconfigured:
            return False
        return True

    def request(
        self, claim: Claim, state: MachineState, *, rotator: Rotator, deadline: float
    ) -> Rotation:
        """What the rotator gets for the next step.

        Raises:
            Misconfigured: its settings are not what its model says.
        """
        return Rotation(
            rotation_id=claim.rotation_id,
            secret_arn=self._secret.arn,
            secret_name=self._secret.name,
            token=claim.token,
            fencing=claim.fencing,
            attempt=state.attempt,
            strictness=state.strictness,
            values=dict(self._values),
            pinned=self._left_over or (),
            live=state.live,
            admin=self._admin,
            authority=self._authority,
            overlap=state.overlap,
            require_overlap=self._options.require_overlap,
            allow_privileged=self._options.allow_privileged,
            allow_other_server=self._options.allow_other_server,
            settings=self._settings_of(rotator.settings_model),
            trust=self._trust,
            deadline=deadline,
        )

    def _settings_of(self, model: type[RotatorSettings]) -> RotatorSettings:
        """The rotator's own settings; they stay as the claim found them."""
        if self._settings is None or self._settings[0] is not model:
            self._settings = (model, model.parse(self._options.settings))
        return self._settings[1]
