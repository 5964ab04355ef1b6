"""The rotator `generic-password`."""

from dataclasses import dataclass

from rotator.sdk import Candidate, Misconfigured, PasswordPolicy, Rotation, SecretValue
from rotators.generated.base import GeneratedRotator
from rotators.generated.settings import GeneratedSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordSettings(GeneratedSettings):
    """How the new value is made.

    Attributes:
        field: the field of the secret's JSON that holds it; empty: the whole value is the password.
        length: characters, 16 to 128.
        exclude_characters: characters that must not appear.
        punctuation: whether punctuation may appear.
    """

    field: str = ""
    length: int = 32
    exclude_characters: str = ""
    punctuation: bool = True


class GenericPassword(GeneratedRotator):
    """Makes a new random value: the whole secret, or one field of its JSON."""

    name = "generic-password"
    summary = "A new random value in the store; nothing outside is changed"
    made = "password"

    def check_settings(self, rotation: Rotation) -> None:
        """The settings can make a password, and the current value has the form that they speak of."""
        settings = PasswordSettings.parse(rotation.settings)
        _policy(settings).generate()
        _refuse_other_form(rotation.value(Candidate.CURRENT), settings)

    def create_secret(self, rotation: Rotation) -> SecretValue:
        """A new password, with every other field of the JSON as it was."""
        settings = PasswordSettings.parse(rotation.settings)
        current = rotation.value(Candidate.CURRENT)
        _refuse_other_form(current, settings)
        password = _policy(settings).generate()
        if not settings.field:
            return SecretValue(string=password)
        return SecretValue.from_json(current.fields() | {settings.field: password})

    def check(self, value: SecretValue, rotation: Rotation) -> None:
        """There is a password where the settings say."""
        field = PasswordSettings.parse(rotation.settings).field
        password = value.fields().get(field) if field else value.string
        if not isinstance(password, str) or not password:
            raise Misconfigured(
                f"there is no password in {f'the field {field!r}' if field else 'the value'}",
                hint="see the setting `field`: rotate rotation show",
            )


def _policy(settings: PasswordSettings) -> PasswordPolicy:
    return PasswordPolicy(
        length=settings.length,
        exclude=settings.exclude_characters,
        punctuation=settings.punctuation,
    )


def _refuse_other_form(current: SecretValue, settings: PasswordSettings) -> None:
    """A value with fields is never replaced by a bare password, nor the other way round."""
    if settings.field:
        current.fields()  # refuses what is no JSON object
        return
    try:
        names = sorted(current.fields())
    except Misconfigured:
        return
    raise Misconfigured(
        f"the secret's value is a JSON object, with the fields {', '.join(names) or '(none)'}",
        hint="say which field is the password: rotate rotation set SECRET --setting field=NAME",
    )
