"""docs/application-contract.md says what the code does: its keys, names, examples."""

from __future__ import annotations

import json
import re

import pytest

from applications.demo.image import CONTRACT
from registry.applications import contract, distribution, seen, values
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


def test_every_state_of_an_image_is_in_the_document() -> None:
    rows = re.findall(r"^\| `(\w+)` \| .* \| (yes|no) \|$", TEXT, re.M)

    assert sorted(name for name, _ in rows) == sorted(seen.STATES)
    assert [name for name, runs in rows if runs == "yes"] == [seen.APPROVED]
    assert f"more than {distribution.MAX_DOCUMENT} bytes" in " ".join(TEXT.split())


@pytest.mark.parametrize("version", ["1.0", "1.7", "2.0"])
def test_what_a_service_does_with_each_version_is_as_the_document_says(version: str) -> None:
    text = json.dumps({"contract": version, "colour": "blue"})
    says = next(row for row in TEXT.splitlines() if row.startswith(f'| `"{version}"`'))
    if version == "1.7":
        assert "are passed over" in says and contract.read_label(text).version == version
        return
    with pytest.raises(contract.ContractError) as caught:
        contract.read_label(text)
    assert "refused" in says and ("colour" in str(caught.value)) == (version == "1.0")
    if version == "2.0":
        assert re.search('"(.*)"', says.partition("refused: ")[2])[1] in str(caught.value)  # type: ignore[index]


def test_the_document_names_its_version() -> None:
    assert TEXT.splitlines()[2].startswith(f"Version {contract.VERSION}.")
