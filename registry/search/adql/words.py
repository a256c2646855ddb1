"""What a word is: as the indexes of `registry.words` have it, for texts that no index holds.

Words are letters and digits between whatever else; case and accents do not count, and endings are taken off as Porter's
algorithm does ("An algorithm for suffix stripping", 1980), in the form that both databases have it.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from registry.search.adql.pieces import Gathered
from registry.search.adql.stems import stem

_INDEXED = {
    "rr_resource": ("res_title", "res_description"),
    "rr_res_subject": ("res_subject",),
    "rr_res_schema": ("schema_description", "schema_title"),
    "rr_res_table": ("table_description", "table_title"),
    "rr_table_column": ("column_description",),
    "rr_intf_param": ("param_description",),
    "rr_tap_table": ("table_description", "table_title"),
}
_WORD = re.compile(r"[^\W_]+")


def indexed(table: str) -> tuple[str, ...]:
    """The columns of a stored table whose words are indexed."""
    return _INDEXED.get(table, ())


def split(text: str) -> list[str]:
    """The words of a text, folded."""
    if not text.isascii():
        text = "".join(mark for mark in unicodedata.normalize("NFD", text) if not unicodedata.combining(mark))
    return _WORD.findall(text.lower())


def quoted(text: str) -> list[str]:
    """The words of a text as FTS5 must be asked for them: between quotation marks they are no operators."""
    return [f'"{word}"' for word in dict.fromkeys(split(text))]


def breaks(gathered: Gathered) -> bool:
    """Whether the words of a gathered text can be looked for in the index of what it is gathered from."""
    return gathered.values.column in indexed(gathered.values.table) and bool(gathered.at)


def beginnings(needle: str) -> list[str]:
    """Letters that a text in ASCII must hold to have these words: of each as many as no ending changes."""
    stems = sorted(_stems(needle))
    return [one[:min(4, len(one) - 2)] for one in stems if len(one) > 3 and one.isascii()]


@lru_cache(256)
def _stems(needle: str) -> frozenset[str]:
    return frozenset(map(stem, split(needle)))


def has_words(text: str | None, needle: str | None) -> int:
    """1 where all words of `needle` are in `text`, else 0; the function of that name on SQLite connections."""
    if text is None or needle is None:
        return 0
    wanted = _stems(needle)
    return int(bool(wanted) and wanted <= set(map(stem, split(str(text)))))


def folded(text: str | None) -> str | None:
    """A text without case; the function of that name on SQLite connections."""
    return None if text is None else str(text).lower()
