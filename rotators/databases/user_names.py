"""The names of two users that take turns. Pure."""

from rotator.sdk import Misconfigured

CLONE_SUFFIX = "_clone"
"""What the AWS rotation templates append to the name of the second user."""


def pair_of(username: str) -> tuple[str, str]:
    """The original user and its clone, whichever of the two `username` is.

    Raises:
        Misconfigured: it names no original.
    """
    original = username.removesuffix(CLONE_SUFFIX)
    if not original:
        raise Misconfigured(
            f'the user name "{username}" is nothing but the suffix of a clone',
            hint="name the original user in the secret",
        )
    return original, original + CLONE_SUFFIX
