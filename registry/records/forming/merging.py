"""Two people have changed one record: what I have changed, put on top of what they have saved.

Fields that only one has changed are taken from that one; where both have, mine is taken and told. The result is a form
to be looked at, not something that is stored.
"""

from __future__ import annotations

from dataclasses import dataclass

from registry.records.forming import words
from registry.records.forming.nodes import ROOT, Node, complete, next_token, read, values
from registry.records.forming.presets import as_new
from registry.records.forming.shape import Shapes


@dataclass(frozen=True)
class Clash:
    """A field that both have changed: what it was, and what each says."""

    path: str
    label: str
    base: str
    theirs: str
    mine: str


@dataclass(frozen=True)
class Merged:
    """Their record with my changes, as nodes read from theirs, and the fields that both have changed."""

    root: Node
    both: tuple[Clash, ...]


def merge(shapes: Shapes, base: bytes, mine: bytes, theirs: bytes) -> Merged:
    """My change from `base` to `mine`, made to `theirs`. Raises XmlRefused."""
    root = read(shapes, theirs)
    both: list[Clash] = []
    _merge(shapes, read(shapes, base), read(shapes, mine), root, ROOT, both)
    complete(shapes, root)
    return Merged(root, tuple(both))


def _merge(shapes: Shapes, base: Node, mine: Node, theirs: Node, path: str, both: list[Clash]) -> None:
    if mine.text != base.text:
        if theirs.text not in (base.text, mine.text):
            both.append(Clash(path, words.label(theirs.field.name), base.text, theirs.text, mine.text))
        theirs.text = mine.text
    for name in {**base.attributes, **mine.attributes}:
        was, now, other = (one.attributes.get(name, "") for one in (base, mine, theirs))
        if now != was:
            if other not in (was, now):
                both.append(Clash(f"{path}/@{name}", words.label(name, True), was, other, now))
            theirs.attributes[name] = now
    for field in theirs.content.fields:
        if not field.hidden:
            _merge_group(shapes, (base, mine, theirs), field.name, path, both)


def _merge_group(shapes: Shapes, three: tuple[Node, Node, Node], name: str, path: str, both: list[Clash]) -> None:
    base, mine, theirs = (one.children.get(name, []) for one in three)
    if _said(mine) == _said(base):
        return
    alike = len(base) == len(mine) == len(theirs) and all(
        a.type == b.type == c.type for a, b, c in zip(base, mine, theirs, strict=True))
    if alike and len(base) == 1:
        _merge(shapes, base[0], mine[0], theirs[0], f"{path}/{name}.{theirs[0].token}", both)
        return
    if _said(theirs) not in (_said(base), _said(mine)):
        both.append(Clash(f"{path}/{name}.0", words.label(name), _shown(base), _shown(theirs), _shown(mine)))
    three[2].children[name] = _taken(mine, theirs)


def _taken(mine: list[Node], theirs: list[Node]) -> list[Node]:
    """My elements, those that they have too by theirs, so that what no form knows in them stays."""
    left = list(theirs)
    taken: list[Node] = []
    for one in mine:
        twin = next((other for other in left if values(other) == values(one)), None)
        if twin is not None:
            left.remove(twin)
            taken.append(twin)
        else:
            taken.append(as_new(one, next_token([*taken, *theirs])))
    return taken


def _said(nodes: list[Node]) -> list[dict[str, str]]:
    return [values(one) for one in nodes]


def _shown(nodes: list[Node]) -> str:
    return "; ".join(", ".join(values(one).values()) for one in nodes)[:500]
