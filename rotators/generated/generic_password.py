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


@dataclass(frozen=True, kw_only=True)
class GenericPasswordSettings(PasswordSettings):
    """How the new value is made."""

    field: str = setting(
        "the field of the secret's JSON that is the password; empty: the whole value is", default=""
    )


class GenericPassword(GeneratedRotator):
    """Makes a new random value: the whole secret, or one field of its JSON."""

    name = "generic-password"
    summary = "A new random value in the store; nothing outside is changed"
    made = "password"
    settings_model = GenericPasswordSettings

    def check_request(self, rotation: Rotation) -> None:
        """The current value has the form that the settings speak of."""
        _refuse_other_form(rotation.value(Candidate.CURRENT), rotation.settings)

    def create_secret(self, rotation: Rotation) -> SecretValue:
        """A new password, with every other field of the JSON as it was."""
        settings: GenericPasswordSettings = rotation.settings
        current = rotation.value(Candidate.CURRENT)
        _refuse_other_form(current, settings)
        password = rotation.random_password()
        if not settings.field:
            return SecretValue(string=password)
        return SecretValue.from_json(current.fields() | {settings.field: password})

    def check(self, value: SecretValue, rotation: Rotation) -> None:
        """There is a password where the settings say."""
        field = rotation.settings.field
        password = value.fields().get(field) if field else value.string
        if not isinstance(password, str) or not password:
            raise Misconfigured(
                f"there is no password in {f'the field {field!r}' if field else 'the value'}",
                hint="see the setting `field`: rotate rotation show",
            )


def _refuse_other_form(current: SecretValue, settings: GenericPasswordSettings) -> None:
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
