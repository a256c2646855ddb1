"""What a search of records asks for, and the same as ADQL: words, facets, a page of the answer.

Every search is an ADQL query, which is shown beside its answer; what ADQL cannot say, the order by rank and the counts, is
`records`' and `facets`' matter. Records that are not active are in no table of searches: they are listed by name.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace

from registry.errors import Refusal
from registry.records.store import ACTIVE, DELETED, INACTIVE, OWN
from registry.search.adql.words import split

PAGE, LARGEST_PAGE, LAST_ROW = 25, 200, 100_000
MOST_WORDS, LONGEST = 10, 300
FACETS = ("type", "standard", "waveband", "authority", "subject", "datacenter", "status")
STATUSES = (ACTIVE, INACTIVE, DELETED)
_NAMES = ("q", *FACETS, "origin", "page", "limit")


class BadSearch(Refusal):
    """A search that asks for nothing that can be looked for; the message is one sentence."""


@dataclass(frozen=True)
class Asked:
    """One search; '' asks for nothing."""

    q: str = ""
    type: str = ""
    standard: str = ""
    waveband: str = ""
    authority: str = ""
    subject: str = ""
    datacenter: str = ""
    status: str = ACTIVE
    origin: str = ""
    page: int = 1
    limit: int = PAGE

    @property
    def state(self) -> dict[str, str]:
        """What an address needs to say to ask for the same; what is said by silence is left out."""
        said = {name: str(value) for name, value in asdict(self).items()}
        return {name: value for name, value in said.items() if value and value != str(getattr(_NOTHING, name))}

    def with_(self, **values: str | int) -> Asked:
        """The same search, but for these; its first page unless another one is among them."""
        return replace(self, **{"page": 1, **values})  # type: ignore[arg-type]

    @property
    def searched(self) -> bool:
        """Whether the tables of searches can answer it."""
        return self.status == ACTIVE

    @property
    def words(self) -> list[str]:
        """Its words, folded, each once; identifiers are none."""
        return list(dict.fromkeys(split(" ".join(part for part in self.q.split() if not _is_name(part)))))

    @property
    def names(self) -> list[str]:
        """The identifiers, or beginnings of some, among what is asked for."""
        return [part.lower() for part in self.q.split() if _is_name(part)]


_NOTHING = Asked()


def _is_name(part: str) -> bool:
    return part.lower().startswith("ivo://")


def asked(said: Mapping[str, str]) -> Asked:
    """The search in the parameters of an address. Raises BadSearch; what it does not know is nothing to it."""
    given = {name: said.get(name, "").strip() for name in _NAMES}
    for name, value in given.items():
        if len(value) > LONGEST or "\0" in value:
            raise BadSearch(f"What is asked for as {name} has {len(value)} characters: at most {LONGEST}, and no NUL.")
    status = given["status"].lower() or ACTIVE
    if status not in STATUSES:
        raise BadSearch(f"There is no status {given['status'][:40]!r}: there are {', '.join(STATUSES)}.")
    if given["origin"] not in ("", OWN):
        raise BadSearch(f"A search knows no origin {given['origin'][:40]!r}: ask for own, or for an authority or a datacenter.")
    limit = _number(given, "limit", PAGE, LARGEST_PAGE)
    found = Asked(**{**given, "status": status, "page": _number(given, "page", 1, LAST_ROW // limit), "limit": limit})  # type: ignore[arg-type]
    if len(found.words) > MOST_WORDS:
        raise BadSearch(f"A search has at most {MOST_WORDS} words, not {len(found.words)}: leave out the common ones.")
    if found.q and not found.words and not found.names:
        raise BadSearch(f"There is no word in {found.q[:40]!r}: words are of letters and digits.")
    return found


def _number(given: Mapping[str, str], name: str, usual: int, most: int) -> int:
    text = given[name]
    if not text:
        return usual
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= most):
        raise BadSearch(f"{name} is a whole number from 1 to {most}, not {text[:40]!r}.")
    return int(text)


def adql(search: Asked, own: Collection[str] = ()) -> str:
    """The query whose rows are the identifiers of what is found; `own` are our authorities, for searches among our own."""
    conditions = [_has_word(word) for word in search.words]
    conditions += [_begins("ivoid", name) for name in search.names]
    for given, condition in (
        (search.type.lower(), "res_type = {}"),
        (search.standard.lower(), "ivoid IN (SELECT ivoid FROM rr.capability WHERE standard_id = {})"),
        (search.waveband.lower(), "1 = ivo_hashlist_has(waveband, {})"),
        (search.subject, "ivoid IN (SELECT ivoid FROM rr.res_subject WHERE res_subject = {})"),
        (search.datacenter.lower(), "ivoid IN (SELECT ivoid FROM site.service WHERE datacenter = {})"),
    ):
        if given:
            conditions.append(condition.format(quoted(given)))
    if search.authority:
        conditions.append(_of_authority(search.authority.lower()))
    if search.origin:
        conditions.append("(" + " OR ".join(map(_of_authority, sorted(own) or [""])) + ")")
    where = "\n  AND ".join(conditions)
    return "SELECT ivoid\nFROM rr.resource" + (f"\nWHERE {where}" if where else "")


def quoted(value: str) -> str:
    """A text as ADQL and SQL write it."""
    return "'" + value.replace("'", "''") + "'"


def _has_word(word: str) -> str:
    return (f"(1 = ivo_hasword(res_title, '{word}') OR 1 = ivo_hasword(res_description, '{word}') OR ivoid LIKE '%{word}%'\n"
            f"    OR ivoid IN (SELECT ivoid FROM rr.res_subject WHERE 1 = ivo_hasword(res_subject, '{word}')))")


def _begins(column: str, start: str) -> str:
    """A range instead of LIKE: nothing in it needs to be escaped, and an index answers it."""
    return f"({column} >= {quoted(start)} AND {column} < {quoted(start + chr(0x10FFFF))})"


def _of_authority(authority: str) -> str:
    name = f"ivo://{authority}"
    return f"(ivoid = {quoted(name)} OR (ivoid >= {quoted(name + '/')} AND ivoid < {quoted(name + '0')}))"
