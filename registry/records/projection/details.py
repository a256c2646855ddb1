"""Rows of rr_res_detail: what RegTAP has no column for, by the paths that RegTAP 1.2 §8.14 and its appendix list."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from registry.records.projection.values import Rows, clean, found, owner, text

_OF_RESOURCE = """
/accessURL
/coverage/footprint
/coverage/footprint/@ivo-id
/deprecated
/endorsedVersion
/facility
/facility/@ivo-id
/format
/format/@isMIMEType
/full
/instrument
/instrument/@ivo-id
/managedAuthority
/managingOrg
/schema/@namespace
""".split()  # noqa: SIM905 (one path a line reads like the standard's own list)

_OF_CAPABILITY = """
/capability/complianceLevel
/capability/creationType
/capability/dataModel
/capability/dataModel/@ivo-id
/capability/dataSource
/capability/defaultMaxRecords
/capability/executionDuration/default
/capability/executionDuration/hard
/capability/imageServiceType
/capability/interface/securityMethod/@standardID
/capability/interface/testQueryString
/capability/language/name
/capability/language/version/@ivo-id
/capability/language/languageFeatures/@type
/capability/maxAperture
/capability/maxFileSize
/capability/maxImageExtent/lat
/capability/maxImageExtent/long
/capability/maxImageSize
/capability/maxImageSize/lat
/capability/maxImageSize/long
/capability/maxQueryRegionSize/lat
/capability/maxQueryRegionSize/long
/capability/maxRecords
/capability/maxSR
/capability/maxSearchRadius
/capability/optionalProtocol
/capability/outputFormat/@ivo-id
/capability/outputFormat/alias
/capability/outputFormat/mime
/capability/outputLimit/default
/capability/outputLimit/default/@unit
/capability/outputLimit/hard
/capability/outputLimit/hard/@unit
/capability/retentionPeriod/default
/capability/retentionPeriod/hard
/capability/supportedFrame
/capability/testQuery/catalog
/capability/testQuery/dec
/capability/testQuery/extras
/capability/testQuery/pos/lat
/capability/testQuery/pos/long
/capability/testQuery/pos/refframe
/capability/testQuery/queryDataCmd
/capability/testQuery/ra
/capability/testQuery/size
/capability/testQuery/size/lat
/capability/testQuery/size/long
/capability/testQuery/sr
/capability/testQuery/verb
/capability/uploadLimit/default
/capability/uploadLimit/default/@unit
/capability/uploadLimit/hard
/capability/uploadLimit/hard/@unit
/capability/uploadMethod/@ivo-id
/capability/verbosity
""".split()  # noqa: SIM905 (one path a line reads like the standard's own list)


def rows(element: etree._Element) -> Rows:
    """One row per value at one of the paths; cap_index is NULL outside capabilities."""
    ivoid = owner(element)
    result: Rows = []
    for path in _OF_RESOURCE:
        result += [_row(ivoid, None, path, entry) for entry in _values(element, path.split("/")[1:])]
    for index, capability in enumerate(found(element, "capability"), 1):
        for path in _OF_CAPABILITY:
            result += [_row(ivoid, index, path, entry) for entry in _values(capability, path.split("/")[2:])]
    return result


def _row(ivoid: str, index: int | None, path: str, entry: str) -> dict[str, object]:
    return {"ivoid": ivoid, "cap_index": index, "detail_xpath": path, "detail_value": entry}


def _values(element: etree._Element, steps: list[str]) -> Iterator[str]:
    """The texts at `steps`, the last of which may be an @attribute. An element that only holds others has none."""
    attribute = steps[-1][1:] if steps[-1].startswith("@") else ""
    for target in found(element, *(steps[:-1] if attribute else steps)):
        if not attribute and any(isinstance(child.tag, str) for child in target):
            continue
        entry = clean(target.get(attribute)) if attribute else text(target)
        if entry:
            yield entry
