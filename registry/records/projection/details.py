"""Rows of rr_res_detail: what RegTAP has no column for, by the paths that RegTAP 1.2 §8.14 and its appendix list."""

from __future__ import annotations

from lxml import etree

from registry.records.projection.values import Part, Record, Rows, clean, text

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


_Path = tuple[str, tuple[str, ...], str]


def _steps(paths: list[str], skip: int) -> dict[str, list[_Path]]:
    """By its first element from the `skip`-th on: each path with these elements and its last attribute ('' for none)."""
    found: dict[str, list[_Path]] = {}
    for path in paths:
        steps = path.split("/")[skip:]
        names = tuple(step for step in steps if step[0] != "@")
        found.setdefault(names[0], []).append((path, names, steps[-1].partition("@")[2]))
    return found


_RESOURCE_STEPS, _CAPABILITY_STEPS = _steps(_OF_RESOURCE, 1), _steps(_OF_CAPABILITY, 2)


def rows(record: Record) -> Rows:
    """One row per value at one of the paths; cap_index is NULL outside capabilities."""
    result = _below(record.ivoid, None, record, _RESOURCE_STEPS)
    for index, capability in enumerate(record.parts("capability"), 1):
        result += _below(record.ivoid, index, capability, _CAPABILITY_STEPS)
    return result


def _below(ivoid: str, index: int | None, part: Part, paths: dict[str, list[_Path]]) -> Rows:
    return [(ivoid, index, path, entry)
            for name in part.names if name in paths for path, steps, attribute in paths[name]
            for target in part.below(*steps) if (entry := _value(target, attribute))]


def _value(target: etree._Element, attribute: str) -> str | None:
    """The text of the element or of its attribute. An element that only holds others has none."""
    if attribute:
        return clean(target.get(attribute))
    return None if len(target) and any(isinstance(child.tag, str) for child in target) else text(target)
