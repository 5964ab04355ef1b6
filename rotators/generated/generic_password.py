"""The rotator `generic-password`."""

from dataclasses import dataclass

from rotator.sdk import (
    Candidate,
    Misconfigured,
    PasswordSettings,
    Rotation,
    SecretValue,
    setting,
)
from rotators.generated.base import GeneratedRotator

_USUAL = "password"


@dataclass(frozen=True, kw_only=True)
class GenericPasswordSettings(PasswordSettings):
    """How the new value is made."""

    field: str = setting(
        "the field of the secret's JSON that is the password; empty: `password` of a JSON object, else the whole value",
        default="",
    )


class GenericPassword(GeneratedRotator):
    """Makes a new random value: the whole secret, or one field of its JSON."""

    name = "generic-password"
    summary = "A new random value in the store; nothing outside is changed"
    made = "password"
    settings_model = GenericPasswordSettings

    def check_request(self, rotation: Rotation) -> None:
        """The current value has the form that the settings speak of."""
        _password_field(rotation.value(Candidate.CURRENT), rotation.settings)

    def create_secret(self, rotation: Rotation) -> SecretValue:
        """A new password, with every other field of the JSON as it was."""
        current = rotation.value(Candidate.CURRENT)
        field = _password_field(current, rotation.settings)
        password = rotation.random_password()
        if field is None:
            return SecretValue(string=password)
        return SecretValue.from_json(current.fields() | {field: password})

    def check(self, value: SecretValue, rotation: Rotation) -> None:
        """There is a password where the settings say."""
        field = _password_field(value, rotation.settings)
        password = value.string if field is None else value.fields().get(field)
        if not isinstance(password, str) or not password:
            raise Misconfigured(
                f"there is no password in {f'the field {field!r}' if field else 'the value'}",
                hint="see the setting `field`: rotate rotation show",
            )


def _password_field(value: SecretValue, settings: GenericPasswordSettings) -> str | None:
    """The field that is the password; None where the whole value is.

    Raises:
        Misconfigured: the value has another form than the settings say. One with fields is never replaced by a bare
            password, nor the other way round.
    """
    if settings.field:
        value.fields()  # refuses what is no JSON object
        return settings.field
    try:
        names = sorted(value.fields())
    except Misconfigured:
        return None
    if _USUAL in names:
        return _USUAL
    raise Misconfigured(
        f"the secret's value is a JSON object, with the fields {', '.join(names) or '(none)'}",
        hint="say which field is the password: rotate rotation set SECRET --setting field=NAME",
    )
