"""Files of a request, sent along or named: which input of the application each is for. It writes none of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from registry.applications.contract import Contract
from registry.uws import references, values
from registry.uws.errors import BadValue
from registry.uws.files import Upload
from registry.uws.references import Referred

Pairs = Sequence[tuple[str, str]]

_UPLOAD = re.compile(r"\s*([^,;]+?)\s*,\s*(?:param:([^,;]+?)|(.+?))\s*", re.DOTALL)


def given(pairs: Pairs, parts: Iterable[Upload], jobs_url: str = "") -> list[Upload | Referred]:
    """The files under the names that UPLOAD gives them (DALI 1.1 §3.4.5), else under those of their parts.

    A URI is taken where it is a result of a job below `jobs_url`. Raises BadValue.
    """
    sent = list(parts)
    found: list[Upload | Referred] = []
    named: set[str] = set()
    for name, value in pairs:
        for text in value.split(";") if name.upper() == "UPLOAD" else ():
            match = _UPLOAD.fullmatch(text)
            referred = references.read(match[1], match[3], jobs_url) if match and match[3] else None
            if referred is not None:
                found.append(referred)
                continue
            if match is None or match[3]:
                raise BadValue(f"UPLOAD={values.shown(text)} is neither NAME,param:PART nor NAME,job:ID/results/RESULT: "
                               "files sent along and results of jobs here are taken, and nothing is fetched.")
            meant = [replace(part, name=match[1]) for part in sent if part.name == match[2]]
            if not meant:
                raise BadValue(f"UPLOAD names the part {values.shown(match[2])}, and no file of that name was sent.")
            found += meant
            named.add(match[2])
    return found + [part for part in sent if part.name not in named]


def for_contract(contract: Contract, uploads: Iterable[Upload]) -> list[tuple[str, Upload]]:
    """Each upload under the contract's name of its input, beside the name of its file in /job/inputs.

    Names are case-blind; the first file of an input is called as the input, further ones NAME.2 and so on. Raises
    BadValue.
    """
    inputs = [one.name for one in contract.inputs]
    found: list[tuple[str, Upload]] = []
    for upload in uploads:
        name = next((name for name in inputs if name.lower() == upload.name.lower()), None)
        if name is None:
            takes = f"it takes {', '.join(inputs)}" if inputs else "it takes none"
            raise BadValue(f"The application takes no file {values.shown(upload.name)}: {takes}.")
        number = sum(other.name == name for _, other in found) + 1
        found.append((name if number == 1 else f"{name}.{number}", replace(upload, name=name)))
    for one in contract.inputs:
        _check_number(one.name, one.multiplicity, sum(upload.name == one.name for _, upload in found))
    return found


def _check_number(name: str, multiplicity: str, number: int) -> None:
    if not number and multiplicity.startswith("1"):
        raise BadValue(f"The file {name} is missing: send it as a part of that name in multipart/form-data, or name a "
                       "result of a job as job:ID/results/RESULT.")
    if number > 1 and not multiplicity.endswith("*"):
        raise BadValue(f"The file {name} is given {number} times; give it once.")
