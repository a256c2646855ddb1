"""Rows of rr_res_detail: what RegTAP has no column for, by the paths that RegTAP 1.2 §8.14 and its appendix list."""

from __future__ import annotations

from dataclasses import dataclass, field

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


@dataclass(frozen=True)
class _Step:
    """One element of the paths: the paths that end here, each with its attribute ('' for none), and the steps below."""

    paths: list[tuple[str, str]] = field(default_factory=list)
    below: dict[str, _Step] = field(default_factory=dict)


def _steps(paths: list[str]) -> dict[str, _Step]:
    """The first steps of the paths, by the names of their elements."""
    root = _Step()
    for path in paths:
        step = root
        *names, last = path.split("/")[1:]
        for name in names if last[0] == "@" else (*names, last):
            step = step.below.setdefault(name, _Step())
        step.paths.append((path, last.partition("@")[2]))
    return root.below


_RESOURCE_STEPS, _CAPABILITY_STEPS = _steps(_OF_RESOURCE), _steps(_OF_CAPABILITY)["capability"].below


def rows(record: Record) -> Rows:
    """One row per value at one of the paths; cap_index is NULL outside capabilities."""
    result: Rows = []
    _add(result, record.ivoid, None, record, _RESOURCE_STEPS)
    for index, capability in enumerate(record.parts("capability"), 1):
        _add(result, record.ivoid, index, capability, _CAPABILITY_STEPS)
    return result


def _add(result: Rows, ivoid: str, index: int | None, part: Part, steps: dict[str, _Step]) -> None:
    for name in part.names:
        step = steps.get(name)
        if step is None:
            continue
        for path, attribute in step.paths:
            result += [(ivoid, index, path, entry) for target in part.all(name) if (entry := _value(target, attribute))]
        if step.below:
            for inner in part.parts(name):
                _add(result, ivoid, index, inner, step.below)


def _value(target: etree._Element, attribute: str) -> str | None:
    """The text of the element or of its attribute. An element that only holds others has none."""
    if attribute:
        return clean(target.get(attribute))
    return None if len(target) and any(isinstance(child.tag, str) for child in target) else text(target)
