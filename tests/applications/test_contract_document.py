"""docs/application-contract.md says what the code does: its keys, names, examples."""

from __future__ import annotations

import json
import re

from applications.demo.image import CONTRACT
from registry.applications import contract, values
from tests.conftest import ROOT

TEXT = (ROOT / "docs" / "application-contract.md").read_text()
EXAMPLES = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", TEXT, re.S)]


def test_the_example_label_is_one() -> None:
    label, apis, index = EXAMPLES

    read = contract.read(label)
    assert read.network == "dc" and read.requires == (apis["apis"][0]["standardID"],)
    whole = contract.read_label((ROOT / "applications" / "hr-diagram" / CONTRACT).read_text())
    assert read.parameters[0] == whole.parameters[0]
    assert [one["path"] for one in index["results"]] == [one.path for one in whole.outputs]


def test_every_key_and_forbidden_name_is_in_the_document() -> None:
    keys = {key for group in contract._KEYS.values() for key in group.split()}
    for word in {*keys, *contract.CONTROL, *values.TYPES, *contract.MULTIPLICITIES, *contract.NETWORKS, contract.LABEL}:
        assert re.search(rf"[`\"]{re.escape(word)}[`\"]", TEXT), f"{word} is not in the document"
    for number in (contract.MAX_LABEL, values.MAX_TEXT):
        assert str(number) in TEXT


def test_the_document_names_its_version() -> None:
    assert TEXT.splitlines()[2].startswith(f"Version {contract.VERSION}.")
