"""Lists as people and programs look through them: searched, narrowed, sorted, page by page; the whole state fits an address.

A room describes its list once, by columns; pages, the API and the command line ask for parts of it in the same words. A
page is named by the row it begins behind (the value it is sorted by, and the row's key), so that a list of any length is
read without counting through it, and rows that come and go meanwhile shift nothing. It knows no table and no page, and
what a caller may see is the room's to say.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from sqlalchemy import Column as SqlColumn, ColumnElement, Connection, Row, Select, func, or_, select, tuple_

from registry.errors import Refusal

T = TypeVar("T")

SIZES = (25, 50, 100, 200, 500)  # rows on a page, for people to choose from
LARGEST = 1000  # rows that are given at once
COUNTED = 10_000  # a longer list is not counted to its end
_LONGEST = 200  # characters of words that are looked for
_HIGHEST = 2**63 - 1


class BadAsking(Refusal):
    """A list cannot be asked for so; the message names the parameter and what it takes."""


@dataclass(frozen=True)
class Column:
    """One column: `name` in addresses, JSON and CSV, `words` above it; `sql` where it comes from a table.

    `get` is its value in a row, else the attribute of that name. What is `searched` is looked through for words, in `text`
    where that is another column than the one that sorts; a `number` is sorted as one.
    """

    name: str
    words: str
    sql: ColumnElement[Any] | None = None
    get: Callable[[Any], Any] | None = None
    sorts: bool = True
    searched: bool = False
    number: bool = False
    text: ColumnElement[Any] | None = None
    told: bool = True  # in CSV and JSON

    def value(self, row: Any) -> Any:
        """What stands in the row."""
        return self.get(row) if self.get else getattr(row, self.name)


@dataclass(frozen=True)
class Narrow:
    """A parameter that takes some of the rows.

    `fits` makes the condition of a value, none for all rows ('' is asked for too), or judges (value, row) in memory.
    `values` are those it takes, any text where there are none; `standing` is what holds without it; `labels` are words for
    values.
    """

    name: str
    words: str
    fits: Callable[..., Any]
    values: tuple[str, ...] = ()
    standing: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Listing(Generic[T]):
    """A list: the column `key` tells its rows apart and ends every order; `sort` is the usual one, - before it for falling.

    `query` selects what `make` needs for a row; a list that is in memory has neither.
    """

    name: str
    columns: tuple[Column, ...]
    key: str
    sort: str
    narrows: tuple[Narrow, ...] = ()
    query: Callable[[], Select[Any]] | None = None
    make: Callable[[Row[Any]], T] | None = None
    limit: int = 50

    def column(self, name: str) -> Column:
        """The column of that name."""
        return next(one for one in self.columns if one.name == name)

    @property
    def sorts(self) -> list[str]:
        """The names that it can be sorted by."""
        return [one.name for one in self.columns if one.sorts]

    def told(self, row: T) -> dict[str, Any]:
        """The row as JSON has it."""
        return {one.name: one.value(row) for one in self.columns if one.told}


@dataclass(frozen=True)
class Asked:
    """Which part of a list is asked for: behind the row `after` (its key; `at` its value in the order), or before it."""

    listing: Listing[Any]
    words: str = ""
    sort: str = ""
    limit: int = 50
    after: str = ""
    at: str = ""
    back: bool = False
    narrowed: Mapping[str, str] = field(default_factory=dict)

    @property
    def falling(self) -> bool:
        """Whether the largest comes first."""
        return self.sort.startswith("-")

    @property
    def by(self) -> Column:
        """The column that it is sorted by."""
        return self.listing.column(self.sort.removeprefix("-"))

    @property
    def sizes(self) -> list[int]:
        """How many rows a page may have, for people to choose from."""
        return sorted({*SIZES, self.limit})

    @property
    def searching(self) -> bool:
        """Whether rows are left out by what is asked for."""
        standing = {one.name: one.standing for one in self.listing.narrows}
        return bool(self.words) or any(value != standing[name] for name, value in self.narrowed.items())

    def address(self, **changed: Any) -> dict[str, str]:
        """The parameters of an address that asks for this, with other values; what is as usual is left out."""
        standing = {one.name: one.standing for one in self.listing.narrows}
        said: dict[str, Any] = {"q": self.words, **self.narrowed, "sort": self.sort, "limit": self.limit, "at": self.at,
                                "after": self.after, "back": "1" if self.back else ""}
        usual = {"sort": self.listing.sort, "limit": self.listing.limit, **standing}
        said.update(changed)
        return {name: str(value) for name, value in said.items() if str(value) != str(usual.get(name, ""))}

    def turned(self, name: str) -> dict[str, str]:
        """The address of the same list sorted by `name`, the other way round where it is already."""
        return self.address(sort=f"-{name}" if self.sort == name else name, after="", at="", back="")


@dataclass(frozen=True)
class Page(Generic[T]):
    """A part of a list; `count` is of all rows that fit, exact unless there are more than COUNTED."""

    asked: Asked
    rows: list[T]
    count: int
    exact: bool
    before: dict[str, str] | None  # parameters of the address of the page before, none for the first
    following: dict[str, str] | None
    skipped: int = 0  # rows in memory before the first

    @property
    def total(self) -> str:
        """How many fit, for people."""
        return f"{self.count:,}" if self.exact else f"more than {self.count:,}"

    def next(self, url: str) -> str | None:
        """The address of the page that follows, of a list at `url`."""
        return f"{url}?{urlencode(self.following)}" if self.following else None

    def numbers(self, url: str) -> dict[str, Any]:
        """What stands beside the rows in JSON, of a list at `url`."""
        return {"count": self.count, "exact": self.exact, "next": self.next(url)}


def equal(column: ColumnElement[Any]) -> Callable[[str], ColumnElement[bool] | None]:
    """What a `Narrow` takes whose value stands in `column` as it is."""
    return lambda value: column == value if value else None


# --- asking -----------------------------------------------------------------------------------------------------------
def asked(listing: Listing[Any], said: Mapping[str, str], *, largest: int = LARGEST) -> Asked:
    """What the parameters of an address ask for. Raises BadAsking in a sentence for what the list does not know."""
    given = {name: value.strip() for name, value in said.items()}
    sort = given.get("sort", "") or listing.sort
    if sort.removeprefix("-") not in listing.sorts:
        raise BadAsking(f"The {listing.name} cannot be sorted by {sort[:40]!r}: give one of {', '.join(listing.sorts)} as "
                        "sort, with - before it for the last first.")
    if given.get("back", "") not in ("", "1"):
        raise BadAsking("back is 1 for the rows before the one named by after, or left out.")
    found = Asked(
        listing, words=given.get("q", "")[:_LONGEST], sort=sort, limit=_limit(given.get("limit", ""), listing.limit, largest),
        after=given.get("after", ""), at=given.get("at", ""), back=given.get("back") == "1",
        narrowed={one.name: _narrow(one, given) for one in listing.narrows})
    _position(found)
    return found


def _limit(text: str, usual: int, largest: int) -> int:
    if not text:
        return usual
    if not text.isdecimal() or not 1 <= len(text) <= 9 or not 1 <= int(text) <= largest:
        raise BadAsking(f"limit is the number of rows at once, from 1 to {largest}, and not {text[:40]!r}.")
    return int(text)


def _narrow(one: Narrow, given: Mapping[str, str]) -> str:
    value = given.get(one.name) or one.standing
    if not value or not one.values:
        return value
    known = next((each for each in one.values if each.lower() == value.lower()), None)
    if known is None:
        raise BadAsking(f"There is no {one.name} {value[:40]!r}: give one of {', '.join(one.values)}.")
    return known


def _position(asked: Asked) -> tuple[Any, Any] | None:
    """The place behind which the page begins, (value, key); none for the beginning. Raises BadAsking."""
    if not asked.after:
        return None
    key = asked.listing.column(asked.listing.key)
    at = asked.after if asked.by is key else asked.at
    return _typed(asked.by, at, "after" if asked.by is key else "at"), _typed(key, asked.after, "after")


def _typed(column: Column, text: str, name: str) -> Any:
    if not column.number:
        return text
    digits = text.removeprefix("-")
    if not digits.isdecimal() or not digits.isascii() or len(digits) > 19 or int(digits) > _HIGHEST:
        raise BadAsking(f"{name} is a number here, as the page before gave it, and not {text[:40]!r}.")
    return int(text)


# --- from a table -----------------------------------------------------------------------------------------------------
def page(connection: Connection, asked: Asked, *where: ColumnElement[bool]) -> Page[Any]:
    """The page that is asked for, of the rows that are as `where` says too."""
    listing = asked.listing
    assert listing.query is not None and listing.make is not None
    narrowed = _narrowed(listing.query().where(*where), asked)
    order, key = _order(asked.by), _order(listing.column(listing.key))
    query = narrowed.add_columns(order.label("at_"), key.label("key_"))
    place, falling = _position(asked), asked.falling != asked.back
    if place is not None:
        behind = (key, place[1]) if asked.by.name == listing.key else (tuple_(order, key), tuple_(*place))
        query = query.where(behind[0] < behind[1] if falling else behind[0] > behind[1])
    ends = (order.desc(), key.desc()) if falling else (order, key)
    found = connection.execute(query.order_by(*ends).limit(asked.limit + 1)).all()
    some = found[:asked.limit]
    if asked.back:
        some = some[::-1]
    more = len(found) > asked.limit
    whole = not asked.after and not more  # then it is counted already
    count = len(found) if whole else _count(connection, narrowed, key)
    return _paged(asked, [listing.make(row) for row in some], [(row.at_, row.key_) for row in some], more, count)


def _narrowed(query: Select[Any], asked: Asked) -> Select[Any]:
    for one in asked.listing.narrows:
        condition = one.fits(asked.narrowed[one.name])
        query = query if condition is None else query.where(condition)
    searched = [one.text if one.text is not None else one.sql for one in asked.listing.columns if one.searched]
    for word in asked.words.split():
        query = query.where(or_(*(one.icontains(word, autoescape=True) for one in searched if one is not None)))
    return query


def _order(column: Column) -> ColumnElement[Any]:
    """What rows are sorted by: a value that is absent comes before all others on every database."""
    assert column.sql is not None
    if isinstance(column.sql, SqlColumn) and column.sql.nullable:
        return func.coalesce(column.sql, -1 if column.number else "")
    return column.sql


def _count(connection: Connection, narrowed: Select[Any], key: ColumnElement[Any]) -> int:
    some = narrowed.with_only_columns(key, maintain_column_froms=True).limit(COUNTED + 1).subquery()
    return int(connection.execute(select(func.count()).select_from(some)).scalar_one())


# --- from memory ------------------------------------------------------------------------------------------------------
def page_of(rows: Iterable[T], asked: Asked) -> Page[T]:
    """The page that is asked for, of rows that are all here."""
    listing = asked.listing
    key = listing.column(listing.key)
    fitting = [row for row in rows if _fits(row, asked)]
    ordered = sorted(((_sortable(asked.by, row), _sortable(key, row), row) for row in fitting),
                     key=lambda one: one[:2], reverse=asked.falling != asked.back)
    place = _position(asked)
    if place is not None:
        falling = asked.falling != asked.back
        ordered = [one for one in ordered if (one[:2] < place if falling else one[:2] > place)]
    some, more = ordered[:asked.limit], len(ordered) > asked.limit
    if asked.back:
        some = some[::-1]
    skipped = len(ordered) - len(some) if asked.back else len(fitting) - len(ordered)
    found = _paged(asked, [one[2] for one in some], [one[:2] for one in some], more, len(fitting))
    return replace(found, skipped=skipped)


def _fits(row: Any, asked: Asked) -> bool:
    if not all(one.fits(asked.narrowed[one.name], row) for one in asked.listing.narrows if asked.narrowed[one.name]):
        return False
    if not asked.words:
        return True
    text = "\n".join(_plain(one.value(row)) for one in asked.listing.columns if one.searched).lower()
    return all(word in text for word in asked.words.lower().split())


def _sortable(column: Column, row: Any) -> Any:
    value = column.value(row)
    if column.number:
        return -1 if value is None else int(value)
    return _plain(value)


# --- both -------------------------------------------------------------------------------------------------------------
def _paged(asked: Asked, rows: list[T], places: Sequence[tuple[Any, Any]], more: bool, count: int) -> Page[T]:
    by_key = asked.by.name == asked.listing.key

    def address(place: tuple[Any, Any], back: str) -> dict[str, str]:
        # an address tells an absent value from none by the key alone
        return asked.address(at="" if by_key else place[0], after=place[1], back=back)

    before = following = None
    if rows:
        before = address(places[0], "1") if (more if asked.back else bool(asked.after)) else None
        following = address(places[-1], "") if (asked.back or more) else None
    return Page(asked, rows, min(count, COUNTED) if asked.listing.query else count,
                not asked.listing.query or count <= COUNTED, before, following)


def as_csv(listing: Listing[Any], rows: Iterable[Any]) -> str:
    """The rows for a spreadsheet (RFC 4180): what could be taken for a formula there is marked as text."""
    out = io.StringIO()
    writer = csv.writer(out)
    columns = [one for one in listing.columns if one.told]
    writer.writerow(one.name for one in columns)
    for row in rows:
        writer.writerow(_unharmful(_plain(one.value(row))) for one in columns)
    return out.getvalue()


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _unharmful(text: str) -> str:
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
