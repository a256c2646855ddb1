"""Other people's clients read us over a real server: the same records by each, deletions and errors understood."""

from __future__ import annotations

import oaipmh.client
import oaipmh.error
import pytest
import requests
import sickle.oaiexceptions
from oaipmh.metadata import MetadataRegistry, oai_dc_reader
from oaipmh_scythe import HTTPConfig, NoRecordsMatch, Scythe
from sickle import Sickle

from registry.site import Site
from vosi import namespaces as ns

ALL = {"ivo://north.example/registry"} | {f"ivo://north.example/r{n:02}" for n in range(22)}
GONE = "ivo://north.example/r07"


def test_sickle_reads_every_record_and_error(served: tuple[Site, str]) -> None:
    client = Sickle(served[1])
    assert client.Identify().deletedRecord == "persistent"
    records = list(client.ListRecords(metadataPrefix="ivo_vor", set="ivo_managed"))
    assert {record.header.identifier for record in records} == ALL
    assert [record.header.identifier for record in records if record.deleted] == [GONE]
    assert len({header.identifier for header in client.ListIdentifiers(metadataPrefix="oai_dc")}) == len(ALL)
    assert [one.metadataPrefix for one in client.ListMetadataFormats()] == ["oai_dc", "ivo_vor"]
    assert [one.setSpec for one in client.ListSets()] == ["ivo_managed"]
    plain = client.GetRecord(identifier="ivo://north.example/r01", metadataPrefix="oai_dc")
    assert plain.metadata["identifier"] == ["ivo://north.example/r01"]
    with pytest.raises(sickle.oaiexceptions.NoRecordsMatch):
        client.ListRecords(metadataPrefix="ivo_vor", set="nobody")
    with pytest.raises(sickle.oaiexceptions.IdDoesNotExist):
        client.GetRecord(identifier="ivo://north.example/none", metadataPrefix="ivo_vor")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_scythe_reads_every_record_and_error(served: tuple[Site, str], method: str) -> None:
    with Scythe(served[1], http_config=HTTPConfig(http_method=method)) as client:
        assert client.identify().granularity == "YYYY-MM-DDThh:mm:ssZ"
        records = list(client.list_records(metadata_prefix="ivo_vor"))
        assert {record.header.identifier for record in records} == ALL
        assert [record.header.identifier for record in records if record.deleted] == [GONE]
        assert len(list(client.list_identifiers(metadata_prefix="ivo_vor", ignore_deleted=True))) == len(ALL) - 1
        with pytest.raises(NoRecordsMatch):
            list(client.list_records(metadata_prefix="ivo_vor", from_="2999-01-01"))


def test_oaipmh_reads_every_record_and_error(served: tuple[Site, str]) -> None:
    readers = MetadataRegistry()
    readers.registerReader("oai_dc", oai_dc_reader)
    readers.registerReader("ivo_vor", lambda element: element)
    client = oaipmh.client.Client(served[1], readers)
    client.updateGranularity()
    assert client.identify().protocolVersion() == "2.0"
    records = list(client.listRecords(metadataPrefix="oai_dc"))
    assert {header.identifier() for header, _, _ in records} == ALL
    titles = {header.identifier(): metadata["title"][0] for header, metadata, _ in records if metadata}
    assert titles["ivo://north.example/r03"] == "Record 3"
    assert [header.identifier() for header, _, _ in records if header.isDeleted()] == [GONE]
    header, element, _ = client.getRecord(identifier="ivo://north.example/r03", metadataPrefix="ivo_vor")
    assert element[0].tag == f"{{{ns.RI}}}Resource"
    with pytest.raises(oaipmh.error.NoRecordsMatchError):
        client.listRecords(metadataPrefix="ivo_vor", set="nobody")


def test_a_plain_client_gets_packed_pages_over_the_wire(served: tuple[Site, str]) -> None:
    reply = requests.get(served[1], params={"verb": "ListRecords", "metadataPrefix": "ivo_vor"}, timeout=10)
    assert reply.headers["Content-Encoding"] == "gzip"
    assert reply.text.count("<record>") == 5
