"""The interface of a rotator: few verbs, each with one request object."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from rotator.sdk.errors import Misconfigured, NotSupported, TargetRefused
from rotator.sdk.overlap import Overlap
from rotator.sdk.rotation import (
    Authority,
    Candidate,
    Finding,
    Level,
    Preflight,
    Proof,
    Rotation,
    Use,
)
from rotator.sdk.settings import PasswordSettings, RotatorSettings
from rotator.sdk.values import SecretValue

_PASSWORD = "password"  # noqa: S105  # the name of a field


class Rotator(ABC):
    """Rotates one kind of credential on one kind of target.

    A rotator needs a `name`, `set_secret`, and `probe` or `test_secret`; all else has a default. It should have
    `revert_secret`, without which a rotation that fails after setSecret can't put the target back, and where `overlap`
    is `dual` it needs `retire_secret`.

    An instance serves one attempt of one rotation in one thread, so it may keep a connection between the verbs;
    `close` ends it. Every verb may be repeated after a crash: it looks at the target before it changes it. Every verb
    respects `rotation.deadline` on each socket and statement, tags its sessions with `rotation.session_tag`, and calls
    `rotation.check_deadline()` right before it sends a change.

    Verbs raise the classes of `rotator.sdk.errors`; anything else counts as a bug with an unknown outcome.

    Attributes:
        name: as the entry point names it.
        aliases: other names that it answers to.
        summary: one line for the list of rotators.
        overlap: the best overlap that targets of this kind allow; the default `preflight` gives it.
        settings_model: the rotator's own settings.
        can_probe: `probe` can tell which value the target accepts; true where `probe` is overridden, unless it says
            otherwise.
        can_revert: `revert_secret` can put the target back; true where that is overridden, unless it says otherwise.
        issues_value: the target makes the value (an API key), so that `create_secret` changes it.
    """

    name: ClassVar[str]
    aliases: ClassVar[tuple[str, ...]] = ()
    summary: ClassVar[str] = ""
    overlap: ClassVar[Overlap] = Overlap.GAP
    settings_model: ClassVar[type[RotatorSettings]] = PasswordSettings
    can_probe: ClassVar[bool] = False
    can_revert: ClassVar[bool] = False
    issues_value: ClassVar[bool] = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for verb, flag in (("probe", "can_probe"), ("revert_secret", "can_revert")):
            bases = (base for base in cls.__bases__ if issubclass(base, Rotator))
            inherited = any(getattr(base, verb) is getattr(cls, verb) for base in bases)
            if not inherited and flag not in vars(cls):
                setattr(cls, flag, True)

    def check_settings(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The settings in `given` as `rotate rotation set` stores them: text has become what the model holds.

        Raises:
            Misconfigured: one is unknown, missing or wrong; the message names it.
        """
        read = self.settings_model.parse(given).to_mapping()
        return {name: read[name] for name in given}

    def claims(self, value: SecretValue) -> Authority:
        """What the value's JSON says that a rotation acts on; pure, no connection. By default nothing is claimed.

        The engine compares it with the pinned authority and refuses the rotation where they differ. A rotator that
        uses an admin secret has to claim at least the users, or whoever may write the secret has it change any of them.

        Raises:
            Misconfigured: the JSON lacks a field or has a wrong one; the message names it.
        """
        return Authority()

    def preflight(self, rotation: Rotation) -> Preflight:
        """Whether the rotation can work, and with which overlap. Changes nothing.

        By default it looks at nothing and promises `overlap`.
        """
        if rotation.require_overlap and self.overlap is Overlap.GAP:
            refusal = Finding(
                level=Level.REFUSAL,
                message=f"{self.name} sets the new credential in place of the old one, and an overlap is required",
                remedy="rotate rotation set --overlap prefer",
            )
            return Preflight(overlap=self.overlap, findings=(refusal,))
        return Preflight(overlap=self.overlap)

    def create_secret(self, rotation: Rotation) -> SecretValue:
        """The new value (createSecret). Touches no target; the engine seals and commits it before setSecret.

        By default the current value with a new random password: in the field `password` of its JSON object, else as
        the whole text.

        With `issues_value` the target makes it, and the engine has committed before that this is about to happen. After
        a crash the verb is called again with the same `rotation.token`: it adopts what was issued under that token, or,
        where the target shows a value only once, deletes it and has another one issued.

        Raises:
            Misconfigured: the current value is binary, or a JSON object without a password.
        """
        current = rotation.current
        if current.string is None:
            raise Misconfigured(
                "the secret's value is binary, so there is no password in it to replace",
                hint=f"choose another rotator than {self.name}, or store a text",
            )
        try:
            fields = current.fields()
        except Misconfigured:  # a password and nothing else
            return SecretValue(string=rotation.random_password())
        if _PASSWORD not in fields:
            raise Misconfigured(
                'the secret\'s "password" is missing',
                hint='store the secret with a "password"',
            )
        return SecretValue.from_json(fields | {_PASSWORD: rotation.random_password()})

    @abstractmethod
    def set_secret(self, rotation: Rotation) -> None:
        """Makes the target accept the pending value (setSecret), by `rotation.live` or the admin secret."""

    def test_secret(self, rotation: Rotation) -> None:
        """Proves that the pending value logs in and may do what the old one could (testSecret); for `gap` also that the
        old one is refused.

        By default that is asked of `probe`, which says nothing of what the new value may do.

        Raises:
            TargetRefused: it doesn't.
        """
        if self.probe(rotation, Candidate.PENDING) is not Proof.ACCEPTED:
            raise TargetRefused("the target refuses the new value, although setSecret has set it")
        if rotation.overlap is not Overlap.GAP or rotation.pending == rotation.current:
            return
        if self.probe(rotation, Candidate.CURRENT) is not Proof.REFUSED:
            raise TargetRefused("the target still accepts the old value after the new one was set")

    def finish_secret(self, rotation: Rotation) -> None:
        """The last thing before AWSCURRENT moves to the pending value (finishSecret); the engine moves the labels.

        What has to be true from the moment that clients get the new value belongs here, such as making a staged key the
        primary one. It may be repeated; where it fails the rotation does. By default nothing is left to do.
        """
        return

    def probe(self, rotation: Rotation, candidate: Candidate) -> Proof:
        """Whether the target accepts `candidate`. Accepted counts only where a random password is refused.

        Raises:
            NotSupported: this rotator can't tell.
        """
        raise NotSupported(f"{self.name} can't tell which value the target accepts")

    def log_in(self, rotation: Rotation, candidate: Candidate) -> Proof:
        """Whether the target lets `candidate` in, just now: one login, as an application makes it.

        `rotate prove` calls it over and over, each time on a new instance, with `candidate` as the only value and no
        admin secret. By default it is `probe`; where that tries a wrong password too, a plain login here spares the
        target a failure that may count towards a lockout.

        Raises:
            NotSupported: this rotator can't tell.
        """
        return self.probe(rotation, candidate)

    def revert_secret(self, rotation: Rotation) -> None:
        """Puts the target back to the current value, logging in with `rotation.live` or the admin secret.

        Raises:
            NotSupported: this rotator can't.
            RevertDegraded: the current value logs in again, but only as the target's second password.
        """
        raise NotSupported(f"{self.name} can't put the target back")

    def retire_secret(self, rotation: Rotation) -> None:
        """Makes the target refuse the current value, which a finished rotation has replaced by the pending one.

        It comes after finishSecret, when the grace period is over; the values keep the names that they had in the
        rotation, and `rotation.live` is the pending one, which goes on logging in. By default nothing is left to do:
        for `gap` the old value died as the new one was set.

        Raises:
            TargetRefused: the pending value is not the one that would stay, so nothing was removed.
        """
        return

    def in_use(self, rotation: Rotation) -> tuple[Use, ...]:
        """The sessions that still use the current value, which `retire_secret` is about to end or has just ended.

        It is asked with the values of `retire_secret`, and changes nothing.

        Raises:
            NotSupported: the target can't tell; the old value is retired all the same.
        """
        raise NotSupported(f"{self.name} can't tell who still uses the old credential")

    def end_use(self, rotation: Rotation, uses: Sequence[Use]) -> None:
        """Ends sessions that `in_use` has named, after `retire_secret`, so that none of them can log in again.

        One that is over by itself is no failure.

        Raises:
            NotSupported: this rotator can't.
        """
        raise NotSupported(f"{self.name} can't end the sessions that use the old credential")

    def end_older_sessions(self, rotation: Rotation) -> None:
        """After a takeover: ends the sessions of this rotation's older owners, or waits until they are over."""
        return

    def close(self) -> None:
        """Ends what the instance holds open."""
        return
