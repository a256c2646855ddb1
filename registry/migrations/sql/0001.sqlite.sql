-- The tables of revision 0001 on SQLite, for good: a change is a revision of its own. A blank line ends a statement.

CREATE TABLE facts (
    name VARCHAR NOT NULL, value TEXT NOT NULL, PRIMARY KEY (name)
);

CREATE TABLE accounts (
    id INTEGER NOT NULL, name VARCHAR NOT NULL, password_hash VARCHAR NOT NULL, role VARCHAR NOT NULL,
    authorities JSON NOT NULL, created VARCHAR NOT NULL, disabled BOOLEAN NOT NULL, PRIMARY KEY (id), UNIQUE (name)
);

CREATE TABLE login_attempts (
    id INTEGER NOT NULL, subject VARCHAR NOT NULL, at VARCHAR NOT NULL, PRIMARY KEY (id)
);

CREATE INDEX ix_login_attempts_subject ON login_attempts (subject);

CREATE TABLE audit (
    id INTEGER NOT NULL, at VARCHAR NOT NULL, who VARCHAR NOT NULL, action VARCHAR NOT NULL, subject VARCHAR NOT NULL,
    detail TEXT NOT NULL, PRIMARY KEY (id)
);

CREATE INDEX ix_audit_at ON audit (at);

CREATE TABLE record_versions (
    "key" VARCHAR NOT NULL, version INTEGER NOT NULL, ivoid VARCHAR NOT NULL, status VARCHAR NOT NULL,
    digest VARCHAR NOT NULL, at VARCHAR NOT NULL, who VARCHAR NOT NULL, why VARCHAR NOT NULL, xml BLOB NOT NULL,
    PRIMARY KEY ("key", version)
);

CREATE TABLE drafts (
    "key" VARCHAR NOT NULL, ivoid VARCHAR NOT NULL, based_on INTEGER NOT NULL, revision INTEGER NOT NULL,
    at VARCHAR NOT NULL, who VARCHAR NOT NULL, why VARCHAR NOT NULL, xml BLOB NOT NULL, PRIMARY KEY ("key")
);

CREATE TABLE authorities (
    authority VARCHAR NOT NULL, registry VARCHAR NOT NULL, own BOOLEAN NOT NULL, PRIMARY KEY (authority)
);

CREATE TABLE sets (
    spec VARCHAR NOT NULL, name VARCHAR NOT NULL, description TEXT NOT NULL, PRIMARY KEY (spec)
);

CREATE TABLE sources (
    id INTEGER NOT NULL, name VARCHAR NOT NULL, url VARCHAR NOT NULL, registry VARCHAR NOT NULL,
    managed_authorities JSON NOT NULL, set_spec VARCHAR NOT NULL, prefix VARCHAR NOT NULL,
    granularity VARCHAR NOT NULL, interval INTEGER NOT NULL, paused BOOLEAN NOT NULL, priority INTEGER NOT NULL,
    owner VARCHAR NOT NULL, since VARCHAR, last_full VARCHAR, health VARCHAR NOT NULL, next_run VARCHAR NOT NULL,
    created VARCHAR NOT NULL, PRIMARY KEY (id), UNIQUE (name), UNIQUE (url)
);

CREATE TABLE jobs (
    id VARCHAR NOT NULL, owner VARCHAR, run_id TEXT, phase VARCHAR NOT NULL, version INTEGER NOT NULL,
    application VARCHAR NOT NULL, application_version VARCHAR NOT NULL, image VARCHAR NOT NULL,
    created VARCHAR NOT NULL, queued VARCHAR, started VARCHAR, ended VARCHAR, execution_duration INTEGER NOT NULL,
    destruction VARCHAR NOT NULL, quote VARCHAR, limits JSON NOT NULL, contract JSON NOT NULL, message TEXT NOT NULL,
    error_type VARCHAR, error TEXT, exit_code INTEGER, usage JSON NOT NULL, node VARCHAR NOT NULL,
    desired VARCHAR NOT NULL, attempt INTEGER NOT NULL, step VARCHAR NOT NULL, lease VARCHAR NOT NULL,
    beat INTEGER NOT NULL, token_hash VARCHAR, rank VARCHAR NOT NULL, data JSON NOT NULL, kind VARCHAR NOT NULL,
    PRIMARY KEY (id)
);

CREATE INDEX jobs_by_creation ON jobs (created, id);

CREATE INDEX jobs_by_owner_and_phase ON jobs (owner, phase, desired, kind);

CREATE INDEX jobs_unwanted ON jobs (desired) WHERE desired != 'RUN';

CREATE INDEX jobs_queries ON jobs (phase, created) WHERE kind = 'query';

CREATE INDEX jobs_by_phase ON jobs (phase, created);

CREATE INDEX jobs_by_destruction ON jobs (destruction);

CREATE INDEX jobs_taken ON jobs (lease) WHERE lease > '';

CREATE INDEX jobs_ready ON jobs (coalesce(owner, ''), rank, id) WHERE rank > '';

CREATE INDEX jobs_by_owner ON jobs (owner, created);

CREATE INDEX jobs_by_token ON jobs (token_hash);

CREATE TABLE job_usage (
    owner VARCHAR NOT NULL, hour VARCHAR NOT NULL, core_seconds FLOAT NOT NULL, PRIMARY KEY (owner, hour)
);

CREATE TABLE images (
    reference VARCHAR NOT NULL, contract JSON NOT NULL, labels JSON NOT NULL, size BIGINT, platforms JSON NOT NULL,
    media_type VARCHAR NOT NULL, created VARCHAR NOT NULL, read VARCHAR NOT NULL, PRIMARY KEY (reference)
);

CREATE TABLE repositories (
    host VARCHAR NOT NULL, only JSON NOT NULL, who VARCHAR NOT NULL, added VARCHAR NOT NULL, due VARCHAR NOT NULL,
    read VARCHAR NOT NULL, seconds FLOAT, fault TEXT NOT NULL, PRIMARY KEY (host)
);

CREATE TABLE repository_images (
    reference VARCHAR NOT NULL, host VARCHAR NOT NULL, tag VARCHAR NOT NULL, state VARCHAR NOT NULL,
    reason TEXT NOT NULL, ivoid VARCHAR NOT NULL, version VARCHAR NOT NULL, title TEXT NOT NULL,
    created VARCHAR NOT NULL, seen VARCHAR NOT NULL, who VARCHAR NOT NULL, decided VARCHAR NOT NULL,
    decider VARCHAR NOT NULL, PRIMARY KEY (reference)
);

CREATE INDEX repository_images_by_state ON repository_images (state, seen);

CREATE INDEX repository_images_by_ivoid ON repository_images (lower(ivoid));

CREATE INDEX repository_images_by_host ON repository_images (host);

CREATE TABLE runners (
    "key" VARCHAR NOT NULL, url TEXT NOT NULL, offer JSON NOT NULL, read VARCHAR NOT NULL, fault TEXT NOT NULL,
    PRIMARY KEY ("key")
);

CREATE TABLE dispatched (
    job_id VARCHAR NOT NULL, runner VARCHAR NOT NULL, title VARCHAR NOT NULL, jobs_url TEXT NOT NULL,
    control JSON NOT NULL, state VARCHAR NOT NULL, holder VARCHAR NOT NULL, url TEXT NOT NULL, PRIMARY KEY (job_id)
);

CREATE INDEX dispatched_by_state ON dispatched (state);

CREATE TABLE health (
    "key" VARCHAR NOT NULL, url VARCHAR NOT NULL, ivoid VARCHAR NOT NULL, asked VARCHAR NOT NULL,
    state VARCHAR NOT NULL, since VARCHAR NOT NULL, failures INTEGER NOT NULL, seen VARCHAR NOT NULL,
    due VARCHAR NOT NULL, millis INTEGER, message TEXT NOT NULL, said JSON NOT NULL, recent JSON NOT NULL,
    PRIMARY KEY ("key", url)
);

CREATE INDEX health_by_due ON health (due);

CREATE TABLE health_changes (
    id INTEGER NOT NULL, "key" VARCHAR NOT NULL, url VARCHAR NOT NULL, ivoid VARCHAR NOT NULL, at VARCHAR NOT NULL,
    was VARCHAR NOT NULL, state VARCHAR NOT NULL, message TEXT NOT NULL, tries INTEGER, told JSON NOT NULL,
    PRIMARY KEY (id)
);

CREATE INDEX health_changes_untold ON health_changes (tries) WHERE tries IS NOT NULL;

CREATE INDEX health_changes_by_key ON health_changes ("key", url, at);

CREATE TABLE local_service (
    ivoid VARCHAR NOT NULL, datacenter VARCHAR, network_zone VARCHAR, last_seen_alive VARCHAR, PRIMARY KEY (ivoid)
);

CREATE INDEX ix_local_service_datacenter ON local_service (datacenter);

CREATE TABLE watches (
    "key" VARCHAR NOT NULL, ivoid VARCHAR NOT NULL, url TEXT NOT NULL, validators JSON NOT NULL, due VARCHAR NOT NULL,
    read VARCHAR NOT NULL, problems JSON NOT NULL, fault TEXT NOT NULL, refused VARCHAR NOT NULL, PRIMARY KEY ("key")
);

CREATE TABLE held_changes (
    "key" VARCHAR NOT NULL, ivoid VARCHAR NOT NULL, at VARCHAR NOT NULL, based_on INTEGER NOT NULL,
    digest VARCHAR NOT NULL, changes JSON NOT NULL, validators JSON NOT NULL, xml BLOB NOT NULL, PRIMARY KEY ("key")
);

CREATE TABLE rr_resource (
    ivoid VARCHAR NOT NULL, res_type VARCHAR, created VARCHAR, short_name VARCHAR, res_title TEXT, updated VARCHAR,
    content_level VARCHAR, res_description TEXT, reference_url TEXT, creator_seq TEXT, content_type VARCHAR,
    source_format VARCHAR, source_value TEXT, res_version VARCHAR, region_of_regard FLOAT, waveband VARCHAR,
    rights TEXT, rights_uri TEXT, harvested_from VARCHAR, resource_row INTEGER NOT NULL, PRIMARY KEY (resource_row),
    UNIQUE (ivoid)
);

CREATE INDEX rr_resource_by_facets ON rr_resource (ivoid, res_type, waveband);

CREATE INDEX ix_rr_resource_updated ON rr_resource (updated);

CREATE VIRTUAL TABLE words_resource USING fts5(res_title, res_description, content='rr_resource', content_rowid='resource_row', tokenize='porter unicode61 remove_diacritics 2');

CREATE TRIGGER words_resource_out AFTER DELETE ON rr_resource WHEN old.res_title IS NOT NULL OR old.res_description IS NOT NULL BEGIN INSERT INTO words_resource (words_resource, rowid, res_title, res_description) VALUES ('delete', old.resource_row, old.res_title, old.res_description); END;

CREATE TABLE rr_res_role (
    res_role_row INTEGER NOT NULL, ivoid VARCHAR NOT NULL, role_name TEXT, role_ivoid VARCHAR, street_address TEXT,
    email VARCHAR, telephone VARCHAR, logo TEXT, base_role VARCHAR, PRIMARY KEY (res_role_row)
);

CREATE INDEX ix_rr_res_role_ivoid ON rr_res_role (ivoid);

CREATE TABLE rr_res_subject (
    res_subject_row INTEGER NOT NULL, ivoid VARCHAR NOT NULL, res_subject TEXT, PRIMARY KEY (res_subject_row)
);

CREATE INDEX rr_res_subject_of_record ON rr_res_subject (ivoid, res_subject);

CREATE INDEX rr_res_subject_by_res_subject ON rr_res_subject (res_subject);

CREATE VIRTUAL TABLE words_res_subject USING fts5(res_subject, content='rr_res_subject', content_rowid='res_subject_row', columnsize=0, tokenize='porter unicode61 remove_diacritics 2');

CREATE TRIGGER words_res_subject_out AFTER DELETE ON rr_res_subject WHEN old.res_subject IS NOT NULL BEGIN INSERT INTO words_res_subject (words_res_subject, rowid, res_subject) VALUES ('delete', old.res_subject_row, old.res_subject); END;

CREATE TABLE rr_capability (
    ivoid VARCHAR NOT NULL, cap_index SMALLINT NOT NULL, cap_type VARCHAR, cap_description TEXT, standard_id VARCHAR,
    PRIMARY KEY (ivoid, cap_index)
) WITHOUT ROWID;

CREATE INDEX rr_capability_by_cap_type ON rr_capability (cap_type);

CREATE INDEX rr_capability_by_standard ON rr_capability (standard_id, ivoid);

CREATE TABLE rr_interface (
    ivoid VARCHAR NOT NULL, intf_index SMALLINT NOT NULL, cap_index SMALLINT NOT NULL, intf_type VARCHAR,
    intf_role VARCHAR, std_version VARCHAR, query_type VARCHAR, result_type VARCHAR, wsdl_url TEXT, url_use VARCHAR,
    access_url TEXT, mirror_url TEXT, authenticated_only SMALLINT, PRIMARY KEY (ivoid, intf_index)
) WITHOUT ROWID;

CREATE INDEX rr_interface_by_access_url ON rr_interface (access_url);

CREATE TABLE rr_intf_param (
    intf_param_row INTEGER NOT NULL, ivoid VARCHAR NOT NULL, intf_index SMALLINT NOT NULL, name VARCHAR,
    param_description TEXT, ucd VARCHAR, unit VARCHAR, utype VARCHAR, std SMALLINT, datatype VARCHAR,
    extended_schema VARCHAR, extended_type VARCHAR, arraysize VARCHAR, delim VARCHAR, param_use VARCHAR,
    PRIMARY KEY (intf_param_row)
);

CREATE INDEX ix_rr_intf_param_ivoid ON rr_intf_param (ivoid);

CREATE VIRTUAL TABLE words_intf_param USING fts5(param_description, content='rr_intf_param', content_rowid='intf_param_row', columnsize=0, tokenize='porter unicode61 remove_diacritics 2');

CREATE TRIGGER words_intf_param_out AFTER DELETE ON rr_intf_param WHEN old.param_description IS NOT NULL BEGIN INSERT INTO words_intf_param (words_intf_param, rowid, param_description) VALUES ('delete', old.intf_param_row, old.param_description); END;

CREATE TABLE rr_res_schema (
    res_schema_row INTEGER NOT NULL, ivoid VARCHAR NOT NULL, schema_index SMALLINT NOT NULL, schema_description TEXT,
    schema_name VARCHAR, schema_title TEXT, schema_utype VARCHAR, PRIMARY KEY (res_schema_row),
    UNIQUE (ivoid, schema_index)
);

CREATE VIRTUAL TABLE words_res_schema USING fts5(schema_description, schema_title, content='rr_res_schema', content_rowid='res_schema_row', columnsize=0, tokenize='porter unicode61 remove_diacritics 2');

CREATE TRIGGER words_res_schema_out AFTER DELETE ON rr_res_schema WHEN old.schema_description IS NOT NULL OR old.schema_title IS NOT NULL BEGIN INSERT INTO words_res_schema (words_res_schema, rowid, schema_description, schema_title) VALUES ('delete', old.res_schema_row, old.schema_description, old.schema_title); END;

CREATE TABLE rr_res_table (
    res_table_row INTEGER NOT NULL, ivoid VARCHAR NOT NULL, table_index SMALLINT NOT NULL, schema_index SMALLINT,
    table_description TEXT, table_name VARCHAR, table_title TEXT, table_type VARCHAR, table_utype VARCHAR,
    nrows BIGINT, PRIMARY KEY (res_table_row), UNIQUE (ivoid, table_index)
);

CREATE INDEX rr_res_table_by_table_name ON rr_res_table (table_name);

CREATE VIRTUAL TABLE words_res_table USING fts5(table_description, table_title, content='rr_res_table', content_rowid='res_table_row', columnsize=0, tokenize='porter unicode61 remove_diacritics 2');

CREATE TRIGGER words_res_table_out AFTER DELETE ON rr_res_table WHEN old.table_description IS NOT NULL OR old.table_title IS NOT NULL BEGIN INSERT INTO words_res_table (words_res_table, rowid, table_description, table_title) VALUES ('delete', old.res_table_row, old.table_description, old.table_title); END;

CREATE TABLE rr_table_column (
    table_column_row INTEGER NOT NULL, ivoid VARCHAR NOT NULL, table_index SMALLINT NOT NULL, name VARCHAR,
    ucd VARCHAR, unit VARCHAR, utype VARCHAR, std SMALLINT, datatype VARCHAR, extended_schema VARCHAR,
    extended_type VARCHAR, arraysize VARCHAR, delim VARCHAR, type_system VARCHAR, flag VARCHAR,
    column_description TEXT, PRIMARY KEY (table_column_row)
);

CREATE INDEX rr_table_column_by_ucd ON rr_table_column (ucd, ivoid);

CREATE INDEX rr_table_column_by_table ON rr_table_column (ivoid, table_index);

CREATE VIRTUAL TABLE words_table_column USING fts5(column_description, content='rr_table_column', content_rowid='table_column_row', columnsize=0, tokenize='porter unicode61 remove_diacritics 2');

CREATE TRIGGER words_table_column_out AFTER DELETE ON rr_table_column WHEN old.column_description IS NOT NULL BEGIN INSERT INTO words_table_column (words_table_column, rowid, column_description) VALUES ('delete', old.table_column_row, old.column_description); END;

CREATE TABLE rr_relationship (
    relationship_row INTEGER NOT NULL, ivoid VARCHAR NOT NULL, relationship_type VARCHAR, related_id VARCHAR,
    related_name TEXT, PRIMARY KEY (relationship_row)
);

CREATE INDEX rr_relationship_by_related_id ON rr_relationship (related_id);

CREATE INDEX ix_rr_relationship_ivoid ON rr_relationship (ivoid);

CREATE TABLE rr_validation (
    validation_row INTEGER NOT NULL, ivoid VARCHAR NOT NULL, validated_by VARCHAR, val_level SMALLINT,
    cap_index SMALLINT, PRIMARY KEY (validation_row)
);

CREATE INDEX ix_rr_validation_ivoid ON rr_validation (ivoid);

CREATE TABLE rr_res_date (
    res_date_row INTEGER NOT NULL, ivoid VARCHAR NOT NULL, date_value VARCHAR, value_role VARCHAR,
    PRIMARY KEY (res_date_row)
);

CREATE INDEX ix_rr_res_date_ivoid ON rr_res_date (ivoid);

CREATE TABLE rr_res_detail (
    res_detail_row INTEGER NOT NULL, ivoid VARCHAR NOT NULL, cap_index SMALLINT, detail_xpath VARCHAR,
    detail_value TEXT, PRIMARY KEY (res_detail_row)
);

CREATE INDEX ix_rr_res_detail_ivoid ON rr_res_detail (ivoid);

CREATE INDEX rr_res_detail_by_path ON rr_res_detail (detail_xpath, detail_value);

CREATE TABLE rr_alt_identifier (
    alt_identifier_row INTEGER NOT NULL, ivoid VARCHAR NOT NULL, alt_identifier VARCHAR,
    PRIMARY KEY (alt_identifier_row)
);

CREATE INDEX rr_alt_identifier_by_alt_identifier ON rr_alt_identifier (alt_identifier);

CREATE INDEX ix_rr_alt_identifier_ivoid ON rr_alt_identifier (ivoid);

CREATE TABLE rr_stc_spatial (
    stc_spatial_row INTEGER NOT NULL, ivoid VARCHAR NOT NULL, coverage TEXT, ref_system_name VARCHAR,
    coverage_cells TEXT, coverage_area BIGINT, PRIMARY KEY (stc_spatial_row)
);

CREATE INDEX ix_rr_stc_spatial_ivoid ON rr_stc_spatial (ivoid);

CREATE TRIGGER rr_stc_spatial_in AFTER INSERT ON rr_stc_spatial BEGIN INSERT INTO moc_cells (uniq, stc_spatial_row) SELECT value, new.stc_spatial_row FROM (SELECT value FROM json_each(new.coverage_cells)) AS _cells; END;

CREATE TRIGGER rr_stc_spatial_out AFTER DELETE ON rr_stc_spatial BEGIN DELETE FROM moc_cells WHERE stc_spatial_row = old.stc_spatial_row AND uniq IN (SELECT value FROM json_each(old.coverage_cells)); END;

CREATE TABLE moc_cells (
    uniq INTEGER NOT NULL, stc_spatial_row INTEGER NOT NULL, PRIMARY KEY (uniq, stc_spatial_row)
) WITHOUT ROWID;

CREATE TABLE rr_stc_temporal (
    stc_temporal_row INTEGER NOT NULL, ivoid VARCHAR NOT NULL, time_start FLOAT, time_end FLOAT,
    PRIMARY KEY (stc_temporal_row)
);

CREATE INDEX rr_stc_temporal_by_time ON rr_stc_temporal (time_start, time_end);

CREATE INDEX ix_rr_stc_temporal_ivoid ON rr_stc_temporal (ivoid);

CREATE TABLE rr_stc_spectral (
    stc_spectral_row INTEGER NOT NULL, ivoid VARCHAR NOT NULL, spectral_start FLOAT, spectral_end FLOAT,
    PRIMARY KEY (stc_spectral_row)
);

CREATE INDEX rr_stc_spectral_by_energy ON rr_stc_spectral (spectral_start, spectral_end);

CREATE INDEX ix_rr_stc_spectral_ivoid ON rr_stc_spectral (ivoid);

CREATE TABLE rr_tap_table (
    tap_table_row INTEGER NOT NULL, resid VARCHAR NOT NULL, svcid VARCHAR NOT NULL, table_name VARCHAR,
    table_title TEXT, table_description TEXT, table_utype VARCHAR, PRIMARY KEY (tap_table_row)
);

CREATE INDEX rr_tap_table_by_service ON rr_tap_table (svcid, table_name);

CREATE INDEX ix_rr_tap_table_resid ON rr_tap_table (resid);

CREATE VIRTUAL TABLE words_tap_table USING fts5(table_description, table_title, content='rr_tap_table', content_rowid='tap_table_row', columnsize=0, tokenize='porter unicode61 remove_diacritics 2');

CREATE TRIGGER words_tap_table_out AFTER DELETE ON rr_tap_table WHEN old.table_description IS NOT NULL OR old.table_title IS NOT NULL BEGIN INSERT INTO words_tap_table (words_tap_table, rowid, table_description, table_title) VALUES ('delete', old.tap_table_row, old.table_description, old.table_title); END;

CREATE TABLE sessions (
    token_hash VARCHAR NOT NULL, account_id INTEGER NOT NULL, created VARCHAR NOT NULL, seen VARCHAR NOT NULL,
    PRIMARY KEY (token_hash), FOREIGN KEY(account_id) REFERENCES accounts (id)
);

CREATE TABLE api_tokens (
    id INTEGER NOT NULL, account_id INTEGER NOT NULL, token_hash VARCHAR NOT NULL, label VARCHAR NOT NULL,
    role VARCHAR NOT NULL, created VARCHAR NOT NULL, expires VARCHAR, last_used VARCHAR, PRIMARY KEY (id),
    FOREIGN KEY(account_id) REFERENCES accounts (id), UNIQUE (token_hash)
);

CREATE TABLE records (
    "key" VARCHAR NOT NULL, ivoid VARCHAR NOT NULL, authority VARCHAR NOT NULL, origin VARCHAR NOT NULL,
    source_id INTEGER, type VARCHAR NOT NULL, title TEXT NOT NULL, status VARCHAR NOT NULL, managed BOOLEAN NOT NULL,
    datestamp VARCHAR NOT NULL, digest VARCHAR NOT NULL, projected VARCHAR NOT NULL, version INTEGER NOT NULL,
    profile VARCHAR NOT NULL, problems JSON NOT NULL, updated VARCHAR NOT NULL, xml BLOB NOT NULL,
    PRIMARY KEY ("key"), FOREIGN KEY(source_id) REFERENCES sources (id)
);

CREATE INDEX records_by_stamp ON records (datestamp, "key", status);

CREATE INDEX ix_records_authority ON records (authority);

CREATE INDEX records_managed_by_stamp ON records (managed, datestamp, "key", status);

CREATE TABLE harvest_runs (
    id INTEGER NOT NULL, source_id INTEGER NOT NULL, state VARCHAR NOT NULL, started VARCHAR NOT NULL, ended VARCHAR,
    from_ VARCHAR, first_response VARCHAR, token TEXT, pages INTEGER NOT NULL, list_size BIGINT, new INTEGER NOT NULL,
    updated INTEGER NOT NULL, unchanged INTEGER NOT NULL, deleted INTEGER NOT NULL, rejected INTEGER NOT NULL,
    message TEXT NOT NULL, lease VARCHAR NOT NULL, who VARCHAR NOT NULL, accept_loss BOOLEAN NOT NULL,
    missing INTEGER NOT NULL, editions JSON NOT NULL, faults JSON NOT NULL, PRIMARY KEY (id),
    FOREIGN KEY(source_id) REFERENCES sources (id)
);

CREATE INDEX ix_harvest_runs_source_id ON harvest_runs (source_id);

CREATE TABLE quarantine (
    id INTEGER NOT NULL, source_id INTEGER NOT NULL, run_id INTEGER NOT NULL, ivoid VARCHAR NOT NULL,
    digest VARCHAR NOT NULL, reason TEXT NOT NULL, raw BLOB, at VARCHAR NOT NULL, state VARCHAR NOT NULL,
    who VARCHAR NOT NULL, decided VARCHAR, PRIMARY KEY (id), FOREIGN KEY(source_id) REFERENCES sources (id)
);

CREATE UNIQUE INDEX quarantine_by_digest ON quarantine (source_id, digest);

CREATE TABLE harvest_changes (
    id INTEGER NOT NULL, source_id INTEGER NOT NULL, run_id INTEGER NOT NULL, at VARCHAR NOT NULL,
    was VARCHAR NOT NULL, state VARCHAR NOT NULL, message TEXT NOT NULL, tries INTEGER, told JSON NOT NULL,
    PRIMARY KEY (id), FOREIGN KEY(source_id) REFERENCES sources (id)
);

CREATE INDEX ix_harvest_changes_source_id ON harvest_changes (source_id);

CREATE TABLE job_parameters (
    id INTEGER NOT NULL, job_id VARCHAR NOT NULL, name VARCHAR NOT NULL, value TEXT NOT NULL,
    by_reference BOOLEAN NOT NULL, origin TEXT NOT NULL, PRIMARY KEY (id),
    FOREIGN KEY(job_id) REFERENCES jobs (id) ON DELETE CASCADE
);

CREATE INDEX ix_job_parameters_job_id ON job_parameters (job_id);

CREATE TABLE job_results (
    job_id VARCHAR NOT NULL, id VARCHAR NOT NULL, position INTEGER NOT NULL, path VARCHAR NOT NULL,
    size BIGINT NOT NULL, media_type VARCHAR NOT NULL, sha256 VARCHAR NOT NULL, PRIMARY KEY (job_id, id),
    FOREIGN KEY(job_id) REFERENCES jobs (id) ON DELETE CASCADE
);

CREATE TABLE job_phases (
    id INTEGER NOT NULL, job_id VARCHAR NOT NULL, phase VARCHAR NOT NULL, at VARCHAR NOT NULL, PRIMARY KEY (id),
    FOREIGN KEY(job_id) REFERENCES jobs (id) ON DELETE CASCADE
);

CREATE INDEX ix_job_phases_job_id ON job_phases (job_id);

CREATE TABLE repository_tags (
    host VARCHAR NOT NULL, name VARCHAR NOT NULL, tag VARCHAR NOT NULL, digest VARCHAR NOT NULL,
    since VARCHAR NOT NULL, PRIMARY KEY (host, name, tag),
    FOREIGN KEY(host) REFERENCES repositories (host) ON DELETE CASCADE
);

CREATE TABLE set_members (
    spec VARCHAR NOT NULL, "key" VARCHAR NOT NULL, PRIMARY KEY (spec, "key"),
    FOREIGN KEY(spec) REFERENCES sets (spec), FOREIGN KEY("key") REFERENCES records ("key")
);

CREATE TABLE harvest_seen (
    id INTEGER NOT NULL, run_id INTEGER NOT NULL, hashes BLOB NOT NULL, PRIMARY KEY (id),
    FOREIGN KEY(run_id) REFERENCES harvest_runs (id)
);

CREATE INDEX ix_harvest_seen_run_id ON harvest_seen (run_id);

CREATE TABLE harvest_problems (
    id INTEGER NOT NULL, run_id INTEGER NOT NULL, ivoid VARCHAR NOT NULL, kind VARCHAR NOT NULL, reason TEXT NOT NULL,
    quarantine_id INTEGER, PRIMARY KEY (id), FOREIGN KEY(run_id) REFERENCES harvest_runs (id),
    FOREIGN KEY(quarantine_id) REFERENCES quarantine (id)
);

CREATE INDEX ix_harvest_problems_run_id ON harvest_problems (run_id);
