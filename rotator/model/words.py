"""How texts are searched: what a word is, and what begins with a text. Pure.

A filter of ListSecrets on `description` or `all` passes where every word of its value is a prefix of some word of the
text, in any case: "Breaks the filter value string into words and then searches all attributes for matches. Not
case-sensitive." https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_Filter.html
"""

import re
import sys
import unicodedata
from collections.abc import Iterable
from itertools import pairwise

LONGEST_WORD = 512
"""Characters of a word that count: as many as a filter's value has. An index entry has to fit on a page."""

_ASCII_WORD = re.compile("[0-9a-z]+")
_SURROGATES = range(0xD800, 0xE000)


def words(text: str) -> frozenset[str]:
    """The words of a text, in one case and one form of every letter, each no longer than `LONGEST_WORD`.

    A word is a run of letters, digits and the marks on them, in any script; all else stands between words, the
    underscore too. Letters that differ in case or in how they are composed are the same (Unicode's NFKC_Casefold,
    https://www.unicode.org/reports/tr15/).
    """
    if text.isascii():  # nearly every text is, and it is a tenth of the work
        found: Iterable[str] = _ASCII_WORD.findall(text.lower())
    else:
        folded = _folded(text)
        found = "".join(char if _is_of_word(char) else " " for char in folded).split(" ")
    return frozenset(word[:LONGEST_WORD] for word in found if word)


def prefix_words(text: str) -> frozenset[str]:
    """The words of a filter's value, without those that another one implies by beginning with them."""
    found = sorted(words(text))  # a word comes right before those that begin with it
    return frozenset(
        word for word, following in pairwise([*found, ""]) if not following.startswith(word)
    )


def past_prefix(prefix: str) -> str | None:
    """The first text after all that begin with `prefix`, by code points; None where every later text does.

    Code points order as their UTF-8 bytes do, which is how both engines of the store compare.
    """
    for place in range(len(prefix) - 1, -1, -1):
        following = ord(prefix[place]) + 1
        if following in _SURROGATES:  # no text that can be encoded has one
            following = _SURROGATES.stop
        if following <= sys.maxunicode:
            return prefix[:place] + chr(following)
    return None


def _folded(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text.casefold())
    while folded != (again := unicodedata.normalize("NFKC", folded.casefold())):
        folded = again
    return folded


def _is_of_word(char: str) -> bool:
    return char.isalnum() or unicodedata.category(char).startswith("M")
