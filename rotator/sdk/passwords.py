"""Random passwords, from the operating system's generator."""

import functools
import os
import secrets
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from rotator.sdk.errors import Misconfigured

PUNCTUATION = "!#$%&()*+,-.:;<=>?[]^_{|}~"
"""Without quotes, slashes, backslash, backquote and @, which AWS's database rotation templates exclude too because
connection strings and shells choke on them."""

LONGEST: Final = 128
"""Characters of a password that is made here, at most."""

_LONGER = 32  # characters that a stricter password has more
_BLOCK = 64  # bytes that the generator is asked for at once: most passwords need no more
_MORE = 8  # characters of each class that it has more


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordPolicy:
    """What a generated password looks like.

    Attributes:
        length: characters.
        exclude: characters that must not appear.
        punctuation: whether punctuation may appear.
        each: characters of each class at least.
    """

    length: int = 32
    exclude: str = ""
    punctuation: bool = True
    each: int = 1

    def stricter(self, times: int) -> "PasswordPolicy":
        """What is tried where a target has refused `times` passwords: longer, and more characters of each class.

        What is excluded stays excluded, and no password grows beyond the longest that may be asked for.
        """
        if times <= 0:
            return self
        length = max(self.length, min(LONGEST, self.length + times * _LONGER))
        most = length // max(1, len(self._classes()))
        return replace(self, length=length, each=max(self.each, min(times * _MORE, most)))

    def generate(self) -> str:
        """A password with `each` characters of each class that is left, or more.

        Raises:
            Misconfigured: the exclusions leave too little, or the length is too small to be safe.
        """
        self.check()
        choose = chooser()
        classes = self._classes()
        alphabet = "".join(classes)
        if self.each == 1:
            return draw(alphabet, length=self.length, required=classes, choose=choose)
        asked = [choose(members) for members in classes for _ in range(self.each)]
        text = asked + [choose(alphabet) for _ in range(self.length - len(asked))]
        secrets.SystemRandom().shuffle(text)
        return "".join(text)

    def check(self) -> None:
        """A safe password can be made.

        Raises:
            Misconfigured: the exclusions leave too little, or the length is too small to be safe.
        """
        if not 16 <= self.length <= LONGEST:
            raise Misconfigured(
                f"password length {self.length} is out of range",
                hint=f"set it to a number from 16 to {LONGEST}",
            )
        if sum(map(len, self._classes())) < 16:
            raise Misconfigured(
                "the excluded characters leave fewer than 16 to choose from",
                hint="exclude fewer characters",
            )

    def _classes(self) -> tuple[str, ...]:
        return _classes_left(self.exclude, self.punctuation)


@functools.lru_cache(maxsize=64)
def _classes_left(exclude: str, punctuation: bool) -> tuple[str, ...]:  # a cache's key has no names
    """The classes of characters that are left, without those that nothing is left of."""
    classes = [string.ascii_lowercase, string.ascii_uppercase, string.digits]
    if punctuation:
        classes.append(PUNCTUATION)
    left = ("".join(c for c in members if c not in exclude) for members in classes)
    return tuple(members for members in left if members)


def chooser() -> Callable[[str], str]:
    """What picks one character of a string of at most 256, each with the same chance, by the system's generator.

    The generator is asked for many bytes at once: each question is a call of the system.
    """
    drawn = iter(b"")

    def choose(members: str) -> str:
        nonlocal drawn
        # From here on a remainder would be less likely than others.
        end = 256 - 256 % len(members)
        while True:
            for byte in drawn:
                if byte < end:
                    return members[byte % len(members)]
            drawn = iter(os.urandom(_BLOCK))

    return choose


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
