"""The tables of RegTAP 1.2 §8 as text, in the form that `described` reads: what each is, its keys, its columns."""

from __future__ import annotations

DESCRIPTION = "The resources of this registry and of those it harvests, in the tables of RegTAP 1.2."

TABLES = """
resource: One row for each active resource.
ivoid text! | xpath:identifier | meta.ref.ivoid | Identifier of the resource, in lower case.
res_type text! | xpath:@xsi:type |  | Type of the resource with its canonical prefix, in lower case.
created timestamp | xpath:@created |  | When the resource was made (UTC).
short_name text | xpath:shortName |  | A few letters that name it in crowded displays.
res_title text! | xpath:title | meta.title | Title.
updated timestamp! | xpath:@updated |  | When the resource was last changed (UTC).
content_level text | xpath:content/contentLevel |  | Whom it is for, in lower case, joined by #.
res_description text! | xpath:content/description | meta.note | What the resource is and what it offers.
reference_url text | xpath:content/referenceURL | meta.ref.url | A page for people that tells more.
creator_seq text | xpath:curation/creator/name | meta.bib.author | The creators in their order, joined by "; ".
content_type text | xpath:content/type |  | Natures of its content, in lower case, joined by #.
source_format text | xpath:content/source/@format |  | What source_value is, such as bibcode, in lower case.
source_value text | xpath:content/source | meta.bib | The publication it comes from.
res_version text | xpath:curation/version |  | Version of the resource.
region_of_regard float deg | xpath:coverage/regionOfRegard |  | Typical angular size within which it may matter.
waveband text | xpath:coverage/waveband |  | Wavebands, in lower case, joined by #.
rights text | xpath:rights |  | What may be done with it.
rights_uri text | xpath:rights/@rightsURI |  | Address or name of its licence.
harvested_from text |  |  | Identifier of the registry that this record came from.

res_role: People and organisations with a part in a resource.
-> rr.resource (ivoid)
ivoid text! | xpath:identifier | meta.ref.ivoid | The resource.
role_name text | |  | Name of the person or organisation.
role_ivoid text |  |  | Identifier of the person or organisation, in lower case.
street_address text | |  | Postal address.
email text | | meta.email | Mail address.
telephone text | |  | Telephone number.
logo text | |  | Address of a picture that stands for it.
base_role text |  |  | contact, publisher, contributor or creator.

res_subject: Topics of the resources.
-> rr.resource (ivoid)
ivoid text! | xpath:identifier | meta.ref.ivoid | The resource.
res_subject text! | xpath:content/subject |  | One topic, best of the Unified Astronomy Thesaurus.

capability: What the resources can do.
-> rr.resource (ivoid)
ivoid text! | xpath:identifier | meta.ref.ivoid | The resource.
cap_index int |  |  | Number of the capability within its resource.
cap_type text! | xpath:capability/@xsi:type |  | Type of the capability with its canonical prefix, in lower case.
cap_description text | xpath:capability/description |  | What is particular to this capability.
standard_id text! | xpath:capability/@standardID |  | Identifier of the standard it keeps to, in lower case.

interface: Where and how the capabilities are reached.
-> rr.resource (ivoid)
-> rr.capability (ivoid cap_index)
ivoid text! | xpath:identifier | meta.ref.ivoid | The resource.
intf_index int |  |  | Number of the interface within its resource.
cap_index int |  |  | The capability it belongs to.
intf_type text | xpath:capability/interface/@xsi:type |  | Type with its canonical prefix, such as vs:paramhttp, in lower case.
intf_role text | xpath:capability/interface/@role |  | std for the one that the capability's standard describes.
std_version text | xpath:capability/interface/@version |  | Version of that standard.
query_type text | xpath:capability/interface/queryType |  | HTTP methods, in lower case, joined by #.
result_type text | xpath:capability/interface/resultType |  | Media type of its answers, in lower case.
wsdl_url text | xpath:capability/interface/wsdlURL |  | Address of its WSDL document.
url_use text | xpath:capability/interface/accessURL/@use |  | full, base or dir: how access_url is to be used.
access_url text! | xpath:capability/interface/accessURL | meta.ref.url | Its address.
mirror_url text | xpath:capability/interface/mirrorURL |  | Other addresses of the same service, joined by #.
authenticated_only short | |  | 1 where it is only for those who log in, else 0.

intf_param: Parameters of the interfaces.
-> rr.resource (ivoid)
-> rr.interface (ivoid intf_index)
ivoid text! | xpath:identifier | meta.ref.ivoid | The resource.
intf_index int |  |  | The interface it belongs to.
name text | xpath:capability/interface/param/name |  | Its name.
param_description text! | xpath:capability/interface/param/description |  | What it means.
ucd text | xpath:capability/interface/param/ucd | meta.ucd | Its UCD, in lower case.
unit text | xpath:capability/interface/param/unit | meta.unit | Its unit.
utype text | xpath:capability/interface/param/utype |  | Its utype, in lower case.
std short | xpath:capability/interface/param/@std |  | 1 where a standard defines it, else 0.
datatype text | xpath:capability/interface/param/dataType |  | Its type.
extended_schema text | xpath:capability/interface/param/dataType/@extendedSchema |  | What defines its extended type.
extended_type text | xpath:capability/interface/param/dataType/@extendedType |  | Its extended type.
arraysize text | xpath:capability/interface/param/dataType/@arraysize |  | Shape of its values.
delim text | xpath:capability/interface/param/dataType/@delim |  | What separates several values.
param_use text | xpath:capability/interface/param/@use |  | required, optional or ignored.

relationship: How resources are related to others, one row for each related resource.
-> rr.resource (ivoid)
ivoid text! | xpath:identifier | meta.ref.ivoid | The resource.
relationship_type text | xpath:content/relationship/relationshipType |  | Kind of the relationship, in lower case.
related_id text! | xpath:content/relationship/relatedResource/@ivo-id |  | Identifier of the related resource, in lower case.
related_name text | xpath:content/relationship/relatedResource |  | Name of the related resource.

validation: What validators found.
-> rr.resource (ivoid)
ivoid text! | xpath:identifier | meta.ref.ivoid | The resource.
validated_by text | xpath:validationLevel/@validatedBy |  | Identifier of the registry that looked, in lower case.
val_level short | xpath:validationLevel |  | 0 to 4; the more, the better it was found.
cap_index int |  |  | The capability that was looked at; NULL for the whole resource.

res_date: Dates in the lives of the resources.
-> rr.resource (ivoid)
ivoid text! | xpath:identifier | meta.ref.ivoid | The resource.
date_value timestamp | xpath:curation/date |  | The date (UTC).
value_role text | xpath:curation/date/@role |  | What happened then, such as created, in lower case.

res_detail: Further facts of resources and capabilities, by their place in the record.
-> rr.resource (ivoid)
ivoid text! | xpath:identifier | meta.ref.ivoid | The resource.
cap_index int |  |  | The capability it belongs to; NULL for the whole resource.
detail_xpath text! |  |  | Where the fact stands in the record.
detail_value text! |  |  | The fact.

alt_identifier: Other identifiers of resources and their creators.
-> rr.resource (ivoid)
ivoid text! | xpath:identifier | meta.ref.ivoid | The resource.
alt_identifier text! | xpath:altIdentifier |  | Another identifier, as a URI such as doi:10.1000/182.

res_schema: Groups of tables.
-> rr.resource (ivoid)
ivoid text! | xpath:identifier | meta.ref.ivoid | The resource.
schema_index int |  |  | Number of the schema within its resource.
schema_description text! | xpath:tableset/schema/description |  | What its tables have in common.
schema_name text | xpath:tableset/schema/name |  | Its name.
schema_title text! | xpath:tableset/schema/title |  | A name for people.
schema_utype text | xpath:tableset/schema/utype |  | Utype of the data model it follows, in lower case.

res_table: Tables of the resources.
-> rr.resource (ivoid)
-> rr.res_schema (ivoid schema_index)
ivoid text! | xpath:identifier | meta.ref.ivoid | The resource.
table_index int |  |  | Number of the table within its resource.
schema_index int |  |  | The schema it belongs to.
table_description text! | xpath:tableset/schema/table/description |  | What it holds.
table_name text! | xpath:tableset/schema/table/name |  | Its full name.
table_title text! | xpath:tableset/schema/table/title |  | A name for people.
table_type text | xpath:tableset/schema/table/@type |  | Its role, such as output, in lower case.
table_utype text | xpath:tableset/schema/table/utype |  | Utype of what it represents, in lower case.
nrows long | xpath:tableset/schema/table/nrows |  | About how many rows it has.

table_column: Columns of the tables.
-> rr.resource (ivoid)
-> rr.res_table (ivoid table_index)
ivoid text! | xpath:identifier | meta.ref.ivoid | The resource.
table_index int |  |  | The table it belongs to.
name text | xpath:tableset/schema/table/column/name |  | Its name.
ucd text! | xpath:tableset/schema/table/column/ucd | meta.ucd | Its UCD, in lower case.
unit text | xpath:tableset/schema/table/column/unit | meta.unit | Its unit.
utype text | xpath:tableset/schema/table/column/utype |  | Its utype, in lower case.
std short | xpath:tableset/schema/table/column/@std |  | 1 where a standard defines it, else 0.
datatype text | xpath:tableset/schema/table/column/dataType |  | Its type.
extended_schema text | xpath:tableset/schema/table/column/dataType/@extendedSchema |  | What defines its extended type.
extended_type text | xpath:tableset/schema/table/column/dataType/@extendedType |  | Its extended type.
arraysize text | xpath:tableset/schema/table/column/dataType/@arraysize |  | Shape of its values.
delim text | xpath:tableset/schema/table/column/dataType/@delim |  | What separates several values.
type_system text | xpath:tableset/schema/table/column/dataType/@xsi:type |  | Which system its type is of, in lower case.
flag text | xpath:tableset/schema/table/column/flag |  | Such as indexed or primary, in lower case, joined by #.
column_description text! | xpath:tableset/schema/table/column/description |  | What it holds.

stc_spatial: Where on the sky the resources have data.
-> rr.resource (ivoid)
ivoid text! | xpath:identifier | meta.ref.ivoid | The resource.
coverage moc! | xpath:coverage/spatial |  | The part of the sky, as a MOC.
ref_system_name text | xpath:coverage/spatial/@frame |  | The frame it is in; NULL for ICRS.

stc_temporal: When the data of the resources were taken.
-> rr.resource (ivoid)
ivoid text! | xpath:identifier | meta.ref.ivoid | The resource.
time_start double! d | | time.start | Begin of an interval, as MJD (TDB).
time_end double! d | | time.end | End of that interval, as MJD (TDB).

stc_spectral: In which energies of messengers the resources have data.
-> rr.resource (ivoid)
ivoid text! | xpath:identifier | meta.ref.ivoid | The resource.
spectral_start double! J | | em.energy;stat.min | Lower end of an interval.
spectral_end double! J | | em.energy;stat.max | Upper end of that interval.

tap_table: Tables that TAP services let clients query.
-> rr.resource (resid=ivoid)
-> rr.resource (svcid=ivoid)
resid text! |  |  | The resource that describes the table.
svcid text! |  |  | The TAP service in which it can be queried.
table_name text! | xpath:tableset/schema/table/name |  | Its full name, as queries write it.
table_title text! | xpath:tableset/schema/table/title |  | A name for people.
table_description text! | xpath:tableset/schema/table/description |  | What it holds.
table_utype text! | xpath:tableset/schema/table/utype |  | Utype of what it represents, in lower case.
"""
