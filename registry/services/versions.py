"""When one standardID does for another: the version rules of capability queries, as pure functions.

`vosi/datacenter.py` holds the same rules for programs inside containers (it may import nothing); a test keeps the
two equal. It does not know which standards exist.
"""

from __future__ import annotations

import re

from vosi.identifiers import standard_key

_VERSIONED = re.compile(r"(.*)-(\d+(?:\.\d+)*)")


def satisfies(wanted: str, offered: str) -> bool:
    """Whether `offered` is the standard `wanted`, in its version or a compatible one.

    Without a fragment `wanted` takes any. `#query-2.0` takes 2.0 and later minor versions; `#query` any version.
    """
    head, fragment = standard_key(wanted)
    offered_head, offered_fragment = standard_key(offered)
    if head != offered_head:
        return False
    if not fragment or fragment == offered_fragment:
        return True
    name, version = name_and_version(fragment)
    offered_name, offered_version = name_and_version(offered_fragment)
    return name == offered_name and recent_enough(version, offered_version)


def preference(wanted: str, offered: str) -> tuple[bool, list[int], str]:
    """A key that sorts standardIDs which satisfy `wanted`: itself first, then the newest."""
    version = name_and_version(standard_key(offered)[1])[1]
    newest_first = [-number for number in numbers(version)] or [1]  # one without a version comes last
    return standard_key(wanted) != standard_key(offered), newest_first, offered.lower()


def name_and_version(fragment: str) -> tuple[str, str]:
    """`query-2.0` as its name and its version, '' where it has none."""
    match = _VERSIONED.fullmatch(fragment)
    return (match.group(1), match.group(2)) if match else (fragment, "")


def numbers(version: str) -> list[int]:
    """The numbers in a version, so that 1.10 comes after 1.9."""
    return [int(number) for number in re.findall(r"\d+", version)]


def recent_enough(wanted: str, offered: str) -> bool:
    """Whether `offered` has the major number of `wanted` and is no older; an empty `wanted` takes any."""
    if not wanted:
        return True
    have, need = numbers(offered), numbers(wanted)
    while len(need) > 1 and need[-1] == 0:  # 2.0 asks for no more than 2 does
        need.pop()
    return have[:1] == need[:1] and have >= need
