"""Random passwords, from the operating system's generator."""

import secrets
import string
from collections.abc import Callable
from dataclasses import dataclass

from rotator.sdk.errors import Misconfigured

PUNCTUATION = "!#$%&()*+,-.:;<=>?[]^_{|}~"
"""Without quotes, slashes, backslash, backquote and @, which AWS's database rotation templates exclude too because
connection strings and shells choke on them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordPolicy:
    """What a generated password looks like.

    Attributes:
        length: characters.
        exclude: characters that must not appear.
        punctuation: whether punctuation may appear.
    """

    length: int = 32
    exclude: str = ""
    punctuation: bool = True

    def generate(self, *, choose: Callable[[str], str] = secrets.choice) -> str:
        """A password with at least one character of each class that is left.

        Args:
            choose: picks one character of a string; the default is cryptographically strong.

        Raises:
            Misconfigured: the exclusions leave too little, or the length is too small to be safe.
        """
        if not 16 <= self.length <= 128:
            raise Misconfigured(
                f"password length {self.length} is out of range",
                hint="set it to a number from 16 to 128",
            )
        classes = [string.ascii_lowercase, string.ascii_uppercase, string.digits]
        if self.punctuation:
            classes.append(PUNCTUATION)
        classes = ["".join(c for c in members if c not in self.exclude) for members in classes]
        classes = [members for members in classes if members]
        alphabet = "".join(classes)
        if len(alphabet) < 16:
            raise Misconfigured(
                "the excluded characters leave fewer than 16 to choose from",
                hint="exclude fewer characters",
            )
        while True:
            password = "".join(choose(alphabet) for _ in range(self.length))
            if all(any(c in members for c in password) for members in classes):
                return password
