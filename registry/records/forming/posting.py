"""What a form sends, put into the nodes of its record: values, elements added and taken away. It judges nothing.

The name of a field is its path: `r/curation.0/creator.n1/name.0`, with `/@ivo-id` behind for an attribute. A name that
ends in a dot says that the form shows elements of that name, so that one that is not sent is one taken away.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from registry.errors import Refusal
from registry.records.forming.nodes import ROOT, TYPE, Node, at, complete, new, next_token, retyped, tidy
from registry.records.forming.presets import preset
from registry.records.forming.shape import Field, Shapes

MOST_VALUES = 20_000  # fields of one form
_NAME = re.compile(r"r(/[A-Za-z][A-Za-z0-9]{0,60}\.(\d{1,6}|n\d{1,6}))*(/@[A-Za-z:-]{1,40}|/[A-Za-z][A-Za-z0-9]{0,60}\.)?")
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Sent = dict[str, Any]


class TooMuch(Refusal):
    """The form is larger than any that this service shows."""

    status = 413


def fill(shapes: Shapes, root: Node, pairs: Iterable[tuple[str, str]]) -> Node:
    """`root` with what was typed; names that no form of ours has are left out. Raises TooMuch."""
    tree: Sent = {}
    count = 0
    for name, value in pairs:
        if not _NAME.fullmatch(name):
            continue
        count += 1
        if count > MOST_VALUES:
            raise TooMuch(f"The form has more than {MOST_VALUES} fields: change a record of that size as XML.")
        place = tree
        for part in name.split("/"):
            place = place.setdefault(part, {})
        place[""] = value
    if ROOT in tree:
        _fill(shapes, root, tree[ROOT])
    complete(shapes, root)
    return root


def act(shapes: Shapes, root: Node, action: str) -> str:
    """Do what a button of the form asks for; the path of what is to be looked at next, '' for none.

    `add:<path>/<name>.<type>`, `remove:<path>`, `up:<path>`; anything else does nothing.
    """
    verb, _, rest = action.partition(":")
    if verb == "add":
        path, _, name = rest.rpartition("/")
        return _added(shapes, at(root, path), path, *name.partition(".")[::2])
    parent_path, _, last = rest.rpartition("/")
    parent, name = at(root, parent_path), last.rpartition(".")[0]
    node = at(root, rest)
    if parent is None or node is None or verb not in ("remove", "up"):
        return ""
    group = parent.group(name)
    place = group.index(node)
    if verb == "remove":
        del group[place]
        complete(shapes, parent)
        return parent_path
    group.insert(max(place - 1, 0), group.pop(place))
    return rest


def _added(shapes: Shapes, parent: Node | None, path: str, name: str, type_: str) -> str:
    field = next((one for one in parent.content.fields if one.name == name and not one.hidden), None) if parent else None
    if parent is None or field is None:
        return ""
    group = parent.group(name)
    if field.most is not None and len(group) >= field.most:
        return f"{path}/{name}.{group[-1].token}"
    node = preset(shapes, new(shapes, field, next_token(group), type_))
    group.append(node)
    return f"{path}/{name}.{node.token}"


def _fill(shapes: Shapes, node: Node, sent: Sent) -> None:
    chosen = _value(sent.get(TYPE))
    if chosen is not None and chosen != node.type and chosen in node.field.choices:
        retyped(shapes, node, chosen)
    text = _value(sent)
    if text is not None and node.content.text is not None:
        node.text = _legal(node, tidy(node.content, text))
    for name in node.content.attributes:
        said = _value(sent.get(f"@{name}"))
        if said is not None:
            node.attributes[name] = _legal(node, " ".join(said.split()))
    for field in node.content.fields:
        if not field.hidden:
            _fill_group(shapes, node, field, sent)


def _fill_group(shapes: Shapes, node: Node, field: Field, sent: Sent) -> None:
    parts = {name: value for name, value in sent.items() if name.rpartition(".")[0] == field.name}
    if not parts:
        return
    before = {one.token: one for one in node.group(field.name)}
    after: list[Node] = []
    for part, inside in parts.items():
        token = part.rpartition(".")[2]
        if not token:
            continue
        one = before.get(token) or (new(shapes, field, token) if token.startswith("n") else None)
        if one is not None:
            _fill(shapes, one, inside)
            after.append(one)
    node.children[field.name] = after


def _value(sent: Sent | None) -> str | None:
    found = sent.get("") if sent else None
    return found if isinstance(found, str) else None


def _legal(node: Node, text: str) -> str:
    """The text with what XML cannot hold made visible, and told."""
    illegal = _ILLEGAL.search(text)
    if illegal is None:
        return text
    node.faults.append(f"A character is in it that XML cannot hold (U+{ord(illegal.group()):04X}), shown as \ufffd: remove it.")
    return _ILLEGAL.sub("\ufffd", text)
