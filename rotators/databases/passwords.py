"""The new value of a database secret."""

from rotator.sdk import SecretValue


def new_value(current: SecretValue, *, username: str, password: str) -> SecretValue:
    """`current` for `username` with a new password; every other field, also those unknown here, stays as it is.

    Raises:
        Misconfigured: the value is no JSON object.
    """
    return SecretValue.from_json(current.fields() | {"username": username, "password": password})
