"""Random passwords, from the operating system's generator."""

import secrets
import string
from collections.abc import Callable, Sequence
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
        self.check()
        classes = self._classes()
        return draw("".join(classes), length=self.length, required=classes, choose=choose)

    def check(self) -> None:
        """A safe password can be made.

        Raises:
            Misconfigured: the exclusions leave too little, or the length is too small to be safe.
        """
        if not 16 <= self.length <= 128:
            raise Misconfigured(
                f"password length {self.length} is out of range",
                hint="set it to a number from 16 to 128",
            )
        if sum(map(len, self._classes())) < 16:
            raise Misconfigured(
                "the excluded characters leave fewer than 16 to choose from",
                hint="exclude fewer characters",
            )

    def _classes(self) -> list[str]:
        classes = [string.ascii_lowercase, string.ascii_uppercase, string.digits]
        if self.punctuation:
            classes.append(PUNCTUATION)
        left = ("".join(c for c in members if c not in self.exclude) for members in classes)
        return [members for members in left if members]


def draw(
    alphabet: str, *, length: int, required: Sequence[str], choose: Callable[[str], str]
) -> str:
    """A text in which each of the `required` sets of characters appears; each such text is as likely as any other.

    Args:
        alphabet: what it is made of, `required` included, each character once.
        length: characters, at least as many as there are sets.
        choose: picks one character of a string, each with the same chance.
    """
    while True:
        text = "".join(choose(alphabet) for _ in range(length))
        if all(any(c in members for c in text) for members in required):
            return text
