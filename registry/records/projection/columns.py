"""The columns of the tables `rr_*` in the order in which the projection's rows have their values (RegTAP 1.2 §8).

What the database itself gives, such as a row's number, is not among them. What the columns mean is RegTAP's to say.
"""

from __future__ import annotations

COLUMNS: dict[str, tuple[str, ...]] = {name: tuple(columns.split()) for name, columns in {
    "rr_resource":
        "ivoid res_type created short_name res_title updated content_level res_description reference_url creator_seq "
        "content_type source_format source_value res_version region_of_regard waveband rights rights_uri harvested_from",
    "rr_res_role": "ivoid role_name role_ivoid street_address email telephone logo base_role",
    "rr_res_subject": "ivoid res_subject",
    "rr_relationship": "ivoid relationship_type related_id related_name",
    "rr_validation": "ivoid validated_by val_level cap_index",
    "rr_res_date": "ivoid date_value value_role",
    "rr_alt_identifier": "ivoid alt_identifier",
    "rr_capability": "ivoid cap_index cap_type cap_description standard_id",
    "rr_interface":
        "ivoid intf_index cap_index intf_type intf_role std_version query_type result_type wsdl_url url_use access_url "
        "mirror_url authenticated_only",
    "rr_intf_param":
        "ivoid intf_index name param_description ucd unit utype std param_use "
        "datatype extended_schema extended_type arraysize delim",
    "rr_res_schema": "ivoid schema_index schema_name schema_title schema_description schema_utype",
    "rr_res_table":
        "ivoid table_index schema_index table_name table_title table_description table_type table_utype nrows",
    "rr_table_column":
        "ivoid table_index name ucd unit utype std flag column_description type_system datatype extended_schema "
        "extended_type arraysize delim",
    "rr_res_detail": "ivoid cap_index detail_xpath detail_value",
    "rr_stc_spatial": "ivoid coverage ref_system_name coverage_cells coverage_area",
    "rr_stc_temporal": "ivoid time_start time_end",
    "rr_stc_spectral": "ivoid spectral_start spectral_end",
    "rr_tap_table": "resid svcid table_name table_title table_description table_utype",
}.items()}
