"""The words of forms: what a rule asks for, what an element is called. Plain English, and no knowledge of any record."""

from __future__ import annotations

import re

_BY_TYPE = {
    "vr:IdentifierURI": "an IVOA identifier such as ivo://authority/key",
    "vr:AuthorityID": "an authority's name: three or more letters, digits or . _ -",
    "vr:UTCTimestamp": "a time in UTC such as 2026-11-24T10:30:00Z",
    "vr:UTCDateTime": "a date such as 2026-11-24, or a time in UTC such as 2026-11-24T10:30:00Z",
    "vr:Date": "a date such as 2026-11-24, or a time in UTC such as 2026-11-24T10:30:00Z",
    "vs:FloatInterval": "two numbers with a space between, the smaller first",
    "vs:ArrayShape": "a shape such as 1, *, 16* or 3x4",
    "vstd:fragment": "letters, digits and punctuation that may stand behind the # of an identifier",
    "vstd:StandardKeyURI": "an IVOA identifier, perhaps with # and a term",
}
_BY_BUILTIN = {
    "anyURI": "an address (URI)",
    "boolean": "true or false",
    "integer": "a whole number",
    "int": "a whole number",
    "positiveInteger": "a whole number above 0",
    "nonNegativeInteger": "a whole number, 0 or more",
    "float": "a number",
    "double": "a number",
    "decimal": "a number",
    "date": "a date such as 2026-11-24",
    "dateTime": "a time such as 2026-11-24T10:30:00Z",
    "NMTOKEN": "one word",
    "NCName": "one word that begins with a letter",
    "string": "text",
    "token": "one line of text",
    "normalizedString": "one line of text",
}
_BY_PATTERN = {"https?://.*": "an address with http:// or https://"}
_LABELS = {
    "referenceURL": "Reference URL", "accessURL": "Access URL", "mirrorURL": "Mirror URL", "wsdlURL": "WSDL address",
    "ivo-id": "IVOA identifier", "altIdentifier": "Other identifiers", "standardID": "Standard", "ucd": "UCD",
    "maxSR": "Largest search radius", "sr": "Radius", "ra": "Right ascension", "dec": "Declination", "pos": "Position",
    "rightsURI": "Address of the licence", "nrows": "Number of rows", "std": "Follows a standard", "use": "Use",
    "isMIMEType": "Is a media type", "mime": "Media type", "managingOrg": "Managing organisation",
    "full": "Harvests all registries", "shortName": "Short name", "utype": "utype", "fkColumn": "Columns",
    "subject": "Subjects", "creator": "Creators", "contributor": "Contributors", "date": "Dates",
    "contact": "Contacts", "type": "Types", "contentLevel": "Content levels", "relationship": "Relationships",
    "relatedResource": "Related resources", "capability": "Capabilities", "interface": "Interfaces",
    "facility": "Facilities", "instrument": "Instruments", "waveband": "Wavebands", "temporal": "Times covered",
    "spectral": "Energies covered", "spatial": "Sky covered", "managedAuthority": "Managed authorities",
    "endorsedVersion": "Endorsed versions", "key": "Terms", "schema": "Schemas", "table": "Tables",
    "column": "Columns", "foreignKey": "Foreign keys", "tableset": "Tables", "format": "Formats", "param": "Parameters",
    "@type": "Type", "@format": "Format", "@status": "Status", "@xsi:type": "Kind", "language": "Query languages",
    "outputFormat": "Output formats", "dataModel": "Data models", "uploadMethod": "Upload methods",
    "name": "Name", "long": "Longitude", "lat": "Latitude", "flag": "Flags", "version": "Version", "example": "Examples",
}
_CHOICES = {
    "": "Plain", "tr:TableAccess": "Table access (TAP)", "cs:ConeSearch": "Cone search",
    "sia:SimpleImageAccess": "Images (SIA 1)", "ssap:SimpleSpectralAccess": "Spectra (SSA)",
    "ssap:ProtoSpectralAccess": "Spectra (SSA before 1.0)", "slap:SimpleLineAccess": "Spectral lines (SLAP)",
    "vg:Harvest": "Harvest (OAI-PMH)", "vg:Search": "Search of a registry", "doc:Edition": "Edition of a document",
    "vs:ParamHTTP": "HTTP with parameters", "vr:WebBrowser": "Page for a browser", "vr:WebService": "SOAP service",
    "vg:OAIHTTP": "OAI-PMH over HTTP", "vg:OAISOAP": "OAI-PMH over SOAP", "doc:StaticFile": "File",
    "vs:VOTableType": "VOTable type", "vs:TAPType": "TAP type", "vs:SimpleDataType": "Simple type",
}


_ONES = {
    "alt identifier": "identifier", "fk column": "pair of columns", "key": "term", "rights": "statement of rights",
    "tableset": "set of tables",
}


def rule(name: str, builtin: str, options: tuple[str, ...], longest: int | None, patterns: list[str]) -> str:
    """What a text of this type has to be, as it ends a sentence that begins with `Give`."""
    if options:
        return "one of " + ", ".join(options)
    found = _BY_TYPE.get(name) or next((_BY_PATTERN[one] for one in patterns if one in _BY_PATTERN), "")
    found = found or _BY_BUILTIN.get(builtin, "text")
    return f"{found}, {longest} characters at most" if longest else found


def label(name: str, attribute: bool = False) -> str:
    """What people call an element or attribute of that name."""
    found = (_LABELS.get(f"@{name}") if attribute else None) or _LABELS.get(name)
    if found:
        return found
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).replace("-", " ")
    return parted[:1].upper() + re.sub(r"(?<= )[A-Z](?=[a-z])", lambda one: one.group().lower(), parted[1:])


def one_of(name: str) -> str:
    """One of what `label` names, for the button that adds another."""
    found = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    found = " ".join(word if word.isupper() else word.lower() for word in found.split())
    return _ONES.get(found, found)


def choice(type_: str) -> str:
    """What people call a type that may be chosen."""
    return _CHOICES.get(type_, type_)
