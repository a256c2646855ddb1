"""Porter's algorithm, which takes the endings off English words: "An algorithm for suffix stripping" (Program 14, 1980).

Kept to what SQLite's FTS5 and PostgreSQL's snowball dictionary `porter` do, so that all three call the same words the same.
"""

from __future__ import annotations

from functools import lru_cache

_SECOND = (
    ("ational", "ate"), ("tional", "tion"), ("enci", "ence"), ("anci", "ance"), ("izer", "ize"), ("bli", "ble"), ("alli", "al"),
    ("entli", "ent"), ("eli", "e"), ("ousli", "ous"), ("ization", "ize"), ("ation", "ate"), ("ator", "ate"), ("alism", "al"),
    ("iveness", "ive"), ("fulness", "ful"), ("ousness", "ous"), ("aliti", "al"), ("iviti", "ive"), ("biliti", "ble"),
    ("logi", "log"),
)
_THIRD = (("icate", "ic"), ("ative", ""), ("alize", "al"), ("iciti", "ic"), ("ical", "ic"), ("ful", ""), ("ness", ""))
_FOURTH = ("al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ion", "ou", "ism", "ate", "iti",
           "ous", "ive", "ize")


def _consonant(word: str, index: int) -> bool:
    if word[index] in "aeiou":
        return False
    return word[index] != "y" or index == 0 or not _consonant(word, index - 1)


def _measure(word: str) -> int:
    """How often vowels are followed by consonants."""
    kinds = [_consonant(word, index) for index in range(len(word))]
    return sum(1 for before, after in zip(kinds, kinds[1:], strict=False) if after and not before)


def _vowel(word: str) -> bool:
    return not all(_consonant(word, index) for index in range(len(word)))


def _doubled(word: str) -> bool:
    return len(word) > 1 and word[-1] == word[-2] and _consonant(word, len(word) - 1)


def _short(word: str) -> bool:
    """Whether it ends in consonant, vowel, consonant, and the last is not w, x or y."""
    last = len(word) - 1
    return (last >= 2 and _consonant(word, last) and not _consonant(word, last - 1) and _consonant(word, last - 2)
            and word[-1] not in "wxy")


def _plural(word: str) -> str:
    if word.endswith(("sses", "ies")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def _past(word: str) -> str:
    if word.endswith("eed"):
        return word[:-1] if _measure(word[:-3]) > 0 else word
    for ending in ("ed", "ing"):
        if word.endswith(ending) and _vowel(word[:-len(ending)]):
            return _mended(word[:-len(ending)])
    return word


def _mended(word: str) -> str:
    if word.endswith(("at", "bl", "iz")):
        return word + "e"
    if _doubled(word) and word[-1] not in "lsz":
        return word[:-1]
    return word + "e" if _measure(word) == 1 and _short(word) else word


def _exchanged(word: str, pairs: tuple[tuple[str, str], ...]) -> str:
    for ending, other in sorted(pairs, key=lambda pair: -len(pair[0])):
        if word.endswith(ending):
            rest = word[:-len(ending)]
            return rest + other if _measure(rest) > 0 else word
    return word


def _cut(word: str) -> str:
    for ending in sorted(_FOURTH, key=len, reverse=True):
        if word.endswith(ending):
            rest = word[:-len(ending)]
            fits = _measure(rest) > 1 and (ending != "ion" or rest[-1:] in ("s", "t"))
            return rest if fits else word
    return word


def _last(word: str) -> str:
    if word.endswith("e"):
        rest = word[:-1]
        if _measure(rest) > 1 or (_measure(rest) == 1 and not _short(rest)):
            word = rest
    return word[:-1] if word.endswith("ll") and _measure(word[:-1]) > 1 else word


@lru_cache(65536)
def stem(word: str) -> str:
    """The word, in lower case, without its ending."""
    if not 2 < len(word) <= 64:
        return word
    word = _past(_plural(word))
    if word.endswith("y") and _vowel(word[:-1]):
        word = word[:-1] + "i"
    return _last(_cut(_exchanged(_exchanged(word, _SECOND), _THIRD)))
