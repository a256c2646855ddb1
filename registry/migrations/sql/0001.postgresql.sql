-- The tables of revision 0001 on PostgreSQL, for good: a change is a revision of its own. A blank line ends a statement.

CREATE TEXT SEARCH DICTIONARY innerspace_stem (TEMPLATE = snowball, LANGUAGE = porter);
CREATE TEXT SEARCH CONFIGURATION innerspace_words (COPY = simple);
ALTER TEXT SEARCH CONFIGURATION innerspace_words ALTER MAPPING FOR asciiword, word, numword WITH innerspace_stem;
CREATE FUNCTION folded(value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $body$
  SELECT translate(lower(CASE WHEN octet_length(value) = length(value) THEN value
    ELSE regexp_replace(normalize(value, NFD), '[̀-ͯ]', '', 'g') END),
    '!"#$%&''()*+,-./:;<=>?@[\]^_`{|}~ °·‐‑‒–—‘’“”•…', '                                              ')
$body$;
DO $do$ BEGIN
  EXECUTE format('CREATE FUNCTION words_of(value text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    %L', format('SELECT to_tsvector(''%1$I.innerspace_words'', %1$I.folded(left(value, 200000)))', current_schema()));
  EXECUTE format('CREATE FUNCTION words_asked(value text) RETURNS tsquery LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    %L', format('SELECT plainto_tsquery(''%1$I.innerspace_words'', %1$I.folded(value))', current_schema()));
END $do$;

CREATE TABLE facts (
    name VARCHAR COLLATE "C" NOT NULL, value TEXT NOT NULL, PRIMARY KEY (name)
);

CREATE TABLE accounts (
    id BIGSERIAL NOT NULL, name VARCHAR COLLATE "C" NOT NULL, password_hash VARCHAR COLLATE "C" NOT NULL,
    role VARCHAR COLLATE "C" NOT NULL, authorities JSON NOT NULL, created VARCHAR COLLATE "C" NOT NULL,
    disabled BOOLEAN NOT NULL, PRIMARY KEY (id), UNIQUE (name)
);

CREATE TABLE login_attempts (
    id BIGSERIAL NOT NULL, subject VARCHAR COLLATE "C" NOT NULL, at VARCHAR COLLATE "C" NOT NULL, PRIMARY KEY (id)
);

CREATE INDEX ix_login_attempts_subject ON login_attempts (subject);

CREATE TABLE audit (
    id BIGSERIAL NOT NULL, at VARCHAR COLLATE "C" NOT NULL, who VARCHAR COLLATE "C" NOT NULL,
    action VARCHAR COLLATE "C" NOT NULL, subject VARCHAR COLLATE "C" NOT NULL, detail TEXT NOT NULL, PRIMARY KEY (id)
);

CREATE INDEX ix_audit_at ON audit (at);

CREATE TABLE record_versions (
    key VARCHAR COLLATE "C" NOT NULL, version INTEGER NOT NULL, ivoid VARCHAR COLLATE "C" NOT NULL,
    status VARCHAR COLLATE "C" NOT NULL, digest VARCHAR COLLATE "C" NOT NULL, at VARCHAR COLLATE "C" NOT NULL,
    who VARCHAR COLLATE "C" NOT NULL, why VARCHAR COLLATE "C" NOT NULL, xml BYTEA NOT NULL, PRIMARY KEY (key, version)
);

CREATE TABLE drafts (
    key VARCHAR COLLATE "C" NOT NULL, ivoid VARCHAR COLLATE "C" NOT NULL, based_on INTEGER NOT NULL,
    revision INTEGER NOT NULL, at VARCHAR COLLATE "C" NOT NULL, who VARCHAR COLLATE "C" NOT NULL,
    why VARCHAR COLLATE "C" NOT NULL, xml BYTEA NOT NULL, PRIMARY KEY (key)
);

CREATE TABLE authorities (
    authority VARCHAR COLLATE "C" NOT NULL, registry VARCHAR COLLATE "C" NOT NULL, own BOOLEAN NOT NULL,
    PRIMARY KEY (authority)
);

CREATE TABLE sets (
    spec VARCHAR COLLATE "C" NOT NULL, name VARCHAR COLLATE "C" NOT NULL, description TEXT NOT NULL,
    PRIMARY KEY (spec)
);

CREATE TABLE sources (
    id BIGSERIAL NOT NULL, name VARCHAR COLLATE "C" NOT NULL, url VARCHAR COLLATE "C" NOT NULL,
    registry VARCHAR COLLATE "C" NOT NULL, managed_authorities JSON NOT NULL, set_spec VARCHAR COLLATE "C" NOT NULL,
    prefix VARCHAR COLLATE "C" NOT NULL, granularity VARCHAR COLLATE "C" NOT NULL, interval INTEGER NOT NULL,
    paused BOOLEAN NOT NULL, priority INTEGER NOT NULL, owner VARCHAR COLLATE "C" NOT NULL, since VARCHAR COLLATE "C",
    last_full VARCHAR COLLATE "C", health VARCHAR COLLATE "C" NOT NULL, next_run VARCHAR COLLATE "C" NOT NULL,
    created VARCHAR COLLATE "C" NOT NULL, PRIMARY KEY (id), UNIQUE (name), UNIQUE (url)
);

CREATE TABLE jobs (
    id VARCHAR COLLATE "C" NOT NULL, owner VARCHAR COLLATE "C", run_id TEXT, phase VARCHAR COLLATE "C" NOT NULL,
    version INTEGER NOT NULL, application VARCHAR COLLATE "C" NOT NULL,
    application_version VARCHAR COLLATE "C" NOT NULL, image VARCHAR COLLATE "C" NOT NULL,
    created VARCHAR COLLATE "C" NOT NULL, queued VARCHAR COLLATE "C", started VARCHAR COLLATE "C",
    ended VARCHAR COLLATE "C", execution_duration INTEGER NOT NULL, destruction VARCHAR COLLATE "C" NOT NULL,
    quote VARCHAR COLLATE "C", limits JSON NOT NULL, contract JSON NOT NULL, message TEXT NOT NULL,
    error_type VARCHAR COLLATE "C", error TEXT, exit_code INTEGER, usage JSON NOT NULL,
    node VARCHAR COLLATE "C" NOT NULL, desired VARCHAR COLLATE "C" NOT NULL, attempt INTEGER NOT NULL,
    step VARCHAR COLLATE "C" NOT NULL, lease VARCHAR COLLATE "C" NOT NULL, beat INTEGER NOT NULL,
    token_hash VARCHAR COLLATE "C", rank VARCHAR COLLATE "C" NOT NULL, data JSON NOT NULL,
    kind VARCHAR COLLATE "C" NOT NULL, PRIMARY KEY (id)
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
    owner VARCHAR COLLATE "C" NOT NULL, hour VARCHAR COLLATE "C" NOT NULL, core_seconds FLOAT NOT NULL,
    PRIMARY KEY (owner, hour)
);

CREATE TABLE images (
    reference VARCHAR COLLATE "C" NOT NULL, contract JSON NOT NULL, labels JSON NOT NULL, size BIGINT,
    platforms JSON NOT NULL, media_type VARCHAR COLLATE "C" NOT NULL, created VARCHAR COLLATE "C" NOT NULL,
    read VARCHAR COLLATE "C" NOT NULL, PRIMARY KEY (reference)
);

CREATE TABLE repositories (
    host VARCHAR COLLATE "C" NOT NULL, "only" JSON NOT NULL, who VARCHAR COLLATE "C" NOT NULL,
    added VARCHAR COLLATE "C" NOT NULL, due VARCHAR COLLATE "C" NOT NULL, read VARCHAR COLLATE "C" NOT NULL,
    seconds FLOAT, fault TEXT NOT NULL, PRIMARY KEY (host)
);

CREATE TABLE repository_images (
    reference VARCHAR COLLATE "C" NOT NULL, host VARCHAR COLLATE "C" NOT NULL, tag VARCHAR COLLATE "C" NOT NULL,
    state VARCHAR COLLATE "C" NOT NULL, reason TEXT NOT NULL, ivoid VARCHAR COLLATE "C" NOT NULL,
    version VARCHAR COLLATE "C" NOT NULL, title TEXT NOT NULL, created VARCHAR COLLATE "C" NOT NULL,
    seen VARCHAR COLLATE "C" NOT NULL, who VARCHAR COLLATE "C" NOT NULL, decided VARCHAR COLLATE "C" NOT NULL,
    decider VARCHAR COLLATE "C" NOT NULL, PRIMARY KEY (reference)
);

CREATE INDEX repository_images_by_state ON repository_images (state, seen);

CREATE INDEX repository_images_by_ivoid ON repository_images (lower(ivoid));

CREATE INDEX repository_images_by_host ON repository_images (host);

CREATE TABLE runners (
    key VARCHAR COLLATE "C" NOT NULL, url TEXT NOT NULL, offer JSON NOT NULL, read VARCHAR COLLATE "C" NOT NULL,
    fault TEXT NOT NULL, PRIMARY KEY (key)
);

CREATE TABLE dispatched (
    job_id VARCHAR COLLATE "C" NOT NULL, runner VARCHAR COLLATE "C" NOT NULL, title VARCHAR COLLATE "C" NOT NULL,
    jobs_url TEXT NOT NULL, control JSON NOT NULL, state VARCHAR COLLATE "C" NOT NULL,
    holder VARCHAR COLLATE "C" NOT NULL, url TEXT NOT NULL, PRIMARY KEY (job_id)
);

CREATE INDEX dispatched_by_state ON dispatched (state);

CREATE TABLE health (
    key VARCHAR COLLATE "C" NOT NULL, url VARCHAR COLLATE "C" NOT NULL, ivoid VARCHAR COLLATE "C" NOT NULL,
    asked VARCHAR COLLATE "C" NOT NULL, state VARCHAR COLLATE "C" NOT NULL, since VARCHAR COLLATE "C" NOT NULL,
    failures INTEGER NOT NULL, seen VARCHAR COLLATE "C" NOT NULL, due VARCHAR COLLATE "C" NOT NULL, millis INTEGER,
    message TEXT NOT NULL, said JSON NOT NULL, recent JSON NOT NULL, PRIMARY KEY (key, url)
);

CREATE INDEX health_by_due ON health (due);

CREATE TABLE health_changes (
    id BIGSERIAL NOT NULL, key VARCHAR COLLATE "C" NOT NULL, url VARCHAR COLLATE "C" NOT NULL,
    ivoid VARCHAR COLLATE "C" NOT NULL, at VARCHAR COLLATE "C" NOT NULL, was VARCHAR COLLATE "C" NOT NULL,
    state VARCHAR COLLATE "C" NOT NULL, message TEXT NOT NULL, tries INTEGER, told JSON NOT NULL, PRIMARY KEY (id)
);

CREATE INDEX health_changes_untold ON health_changes (tries) WHERE tries IS NOT NULL;

CREATE INDEX health_changes_by_key ON health_changes (key, url, at);

CREATE TABLE local_service (
    ivoid VARCHAR COLLATE "C" NOT NULL, datacenter VARCHAR COLLATE "C", network_zone VARCHAR COLLATE "C",
    last_seen_alive VARCHAR COLLATE "C", PRIMARY KEY (ivoid)
);

CREATE INDEX ix_local_service_datacenter ON local_service (datacenter);

CREATE TABLE watches (
    key VARCHAR COLLATE "C" NOT NULL, ivoid VARCHAR COLLATE "C" NOT NULL, url TEXT NOT NULL, validators JSON NOT NULL,
    due VARCHAR COLLATE "C" NOT NULL, read VARCHAR COLLATE "C" NOT NULL, problems JSON NOT NULL, fault TEXT NOT NULL,
    refused VARCHAR COLLATE "C" NOT NULL, PRIMARY KEY (key)
);

CREATE TABLE held_changes (
    key VARCHAR COLLATE "C" NOT NULL, ivoid VARCHAR COLLATE "C" NOT NULL, at VARCHAR COLLATE "C" NOT NULL,
    based_on INTEGER NOT NULL, digest VARCHAR COLLATE "C" NOT NULL, changes JSON NOT NULL, validators JSON NOT NULL,
    xml BYTEA NOT NULL, PRIMARY KEY (key)
);

CREATE TABLE rr_resource (
    ivoid VARCHAR COLLATE "C" NOT NULL, res_type VARCHAR COLLATE "C", created VARCHAR COLLATE "C",
    short_name VARCHAR COLLATE "C", res_title TEXT, updated VARCHAR COLLATE "C", content_level VARCHAR COLLATE "C",
    res_description TEXT, reference_url TEXT, creator_seq TEXT, content_type VARCHAR COLLATE "C",
    source_format VARCHAR COLLATE "C", source_value TEXT, res_version VARCHAR COLLATE "C", region_of_regard FLOAT,
    waveband VARCHAR COLLATE "C", rights TEXT, rights_uri TEXT, harvested_from VARCHAR COLLATE "C",
    resource_row BIGSERIAL NOT NULL, PRIMARY KEY (resource_row), UNIQUE (ivoid)
);

CREATE INDEX ix_rr_resource_updated ON rr_resource (updated);

ALTER TABLE rr_resource ADD COLUMN res_title_words tsvector GENERATED ALWAYS AS (words_of(res_title)) STORED;

CREATE INDEX rr_resource_res_title_words ON rr_resource USING gin (res_title_words);

ALTER TABLE rr_resource ADD COLUMN res_description_words tsvector GENERATED ALWAYS AS (words_of(res_description)) STORED;

CREATE INDEX rr_resource_res_description_words ON rr_resource USING gin (res_description_words);

CREATE TABLE rr_res_role (
    res_role_row BIGSERIAL NOT NULL, ivoid VARCHAR COLLATE "C" NOT NULL, role_name TEXT,
    role_ivoid VARCHAR COLLATE "C", street_address TEXT, email VARCHAR COLLATE "C", telephone VARCHAR COLLATE "C",
    logo TEXT, base_role VARCHAR COLLATE "C", PRIMARY KEY (res_role_row)
);

CREATE INDEX ix_rr_res_role_ivoid ON rr_res_role (ivoid);

CREATE TABLE rr_res_subject (
    res_subject_row BIGSERIAL NOT NULL, ivoid VARCHAR COLLATE "C" NOT NULL, res_subject TEXT,
    PRIMARY KEY (res_subject_row)
);

CREATE INDEX rr_res_subject_by_ivoid ON rr_res_subject (ivoid);

CREATE INDEX rr_res_subject_by_res_subject ON rr_res_subject USING hash (res_subject);

ALTER TABLE rr_res_subject ADD COLUMN res_subject_words tsvector GENERATED ALWAYS AS (words_of(res_subject)) STORED;

CREATE INDEX rr_res_subject_res_subject_words ON rr_res_subject USING gin (res_subject_words);

CREATE TABLE rr_capability (
    ivoid VARCHAR COLLATE "C" NOT NULL, cap_index INTEGER NOT NULL, cap_type VARCHAR COLLATE "C",
    cap_description TEXT, standard_id VARCHAR COLLATE "C", PRIMARY KEY (ivoid, cap_index)
);

CREATE INDEX rr_capability_by_cap_type ON rr_capability USING hash (cap_type);

CREATE INDEX rr_capability_by_standard_id ON rr_capability USING hash (standard_id);

CREATE TABLE rr_interface (
    ivoid VARCHAR COLLATE "C" NOT NULL, intf_index INTEGER NOT NULL, cap_index INTEGER NOT NULL,
    intf_type VARCHAR COLLATE "C", intf_role VARCHAR COLLATE "C", std_version VARCHAR COLLATE "C",
    query_type VARCHAR COLLATE "C", result_type VARCHAR COLLATE "C", wsdl_url TEXT, url_use VARCHAR COLLATE "C",
    access_url TEXT, mirror_url TEXT, authenticated_only INTEGER, PRIMARY KEY (ivoid, intf_index)
);

CREATE INDEX rr_interface_by_access_url ON rr_interface USING hash (access_url);

CREATE TABLE rr_intf_param (
    intf_param_row BIGSERIAL NOT NULL, ivoid VARCHAR COLLATE "C" NOT NULL, intf_index INTEGER NOT NULL,
    name VARCHAR COLLATE "C", param_description TEXT, ucd VARCHAR COLLATE "C", unit VARCHAR COLLATE "C",
    utype VARCHAR COLLATE "C", std INTEGER, datatype VARCHAR COLLATE "C", extended_schema VARCHAR COLLATE "C",
    extended_type VARCHAR COLLATE "C", arraysize VARCHAR COLLATE "C", delim VARCHAR COLLATE "C",
    param_use VARCHAR COLLATE "C", PRIMARY KEY (intf_param_row)
);

CREATE INDEX ix_rr_intf_param_ivoid ON rr_intf_param (ivoid);

ALTER TABLE rr_intf_param ADD COLUMN param_description_words tsvector GENERATED ALWAYS AS (words_of(param_description)) STORED;

CREATE INDEX rr_intf_param_param_description_words ON rr_intf_param USING gin (param_description_words);

CREATE TABLE rr_res_schema (
    res_schema_row BIGSERIAL NOT NULL, ivoid VARCHAR COLLATE "C" NOT NULL, schema_index INTEGER NOT NULL,
    schema_description TEXT, schema_name VARCHAR COLLATE "C", schema_title TEXT, schema_utype VARCHAR COLLATE "C",
    PRIMARY KEY (res_schema_row), UNIQUE (ivoid, schema_index)
);

ALTER TABLE rr_res_schema ADD COLUMN schema_description_words tsvector GENERATED ALWAYS AS (words_of(schema_description)) STORED;

CREATE INDEX rr_res_schema_schema_description_words ON rr_res_schema USING gin (schema_description_words);

ALTER TABLE rr_res_schema ADD COLUMN schema_title_words tsvector GENERATED ALWAYS AS (words_of(schema_title)) STORED;

CREATE INDEX rr_res_schema_schema_title_words ON rr_res_schema USING gin (schema_title_words);

CREATE TABLE rr_res_table (
    res_table_row BIGSERIAL NOT NULL, ivoid VARCHAR COLLATE "C" NOT NULL, table_index INTEGER NOT NULL,
    schema_index INTEGER, table_description TEXT, table_name VARCHAR COLLATE "C", table_title TEXT,
    table_type VARCHAR COLLATE "C", table_utype VARCHAR COLLATE "C", nrows BIGINT, PRIMARY KEY (res_table_row),
    UNIQUE (ivoid, table_index)
);

CREATE INDEX rr_res_table_by_table_name ON rr_res_table USING hash (table_name);

ALTER TABLE rr_res_table ADD COLUMN table_description_words tsvector GENERATED ALWAYS AS (words_of(table_description)) STORED;

CREATE INDEX rr_res_table_table_description_words ON rr_res_table USING gin (table_description_words);

ALTER TABLE rr_res_table ADD COLUMN table_title_words tsvector GENERATED ALWAYS AS (words_of(table_title)) STORED;

CREATE INDEX rr_res_table_table_title_words ON rr_res_table USING gin (table_title_words);

CREATE TABLE rr_table_column (
    table_column_row BIGSERIAL NOT NULL, ivoid VARCHAR COLLATE "C" NOT NULL, table_index INTEGER NOT NULL,
    name VARCHAR COLLATE "C", ucd VARCHAR COLLATE "C", unit VARCHAR COLLATE "C", utype VARCHAR COLLATE "C",
    std INTEGER, datatype VARCHAR COLLATE "C", extended_schema VARCHAR COLLATE "C", extended_type VARCHAR COLLATE "C",
    arraysize VARCHAR COLLATE "C", delim VARCHAR COLLATE "C", type_system VARCHAR COLLATE "C",
    flag VARCHAR COLLATE "C", column_description TEXT, PRIMARY KEY (table_column_row)
);

CREATE INDEX rr_table_column_ucd ON rr_table_column USING spgist (ucd);

CREATE INDEX rr_table_column_by_table ON rr_table_column (ivoid, table_index);

ALTER TABLE rr_table_column ADD COLUMN column_description_words tsvector GENERATED ALWAYS AS (words_of(column_description)) STORED;

CREATE INDEX rr_table_column_column_description_words ON rr_table_column USING gin (column_description_words);

CREATE TABLE rr_relationship (
    relationship_row BIGSERIAL NOT NULL, ivoid VARCHAR COLLATE "C" NOT NULL, relationship_type VARCHAR COLLATE "C",
    related_id VARCHAR COLLATE "C", related_name TEXT, PRIMARY KEY (relationship_row)
);

CREATE INDEX rr_relationship_by_related_id ON rr_relationship USING hash (related_id);

CREATE INDEX ix_rr_relationship_ivoid ON rr_relationship (ivoid);

CREATE TABLE rr_validation (
    validation_row BIGSERIAL NOT NULL, ivoid VARCHAR COLLATE "C" NOT NULL, validated_by VARCHAR COLLATE "C",
    val_level INTEGER, cap_index INTEGER, PRIMARY KEY (validation_row)
);

CREATE INDEX ix_rr_validation_ivoid ON rr_validation (ivoid);

CREATE TABLE rr_res_date (
    res_date_row BIGSERIAL NOT NULL, ivoid VARCHAR COLLATE "C" NOT NULL, date_value VARCHAR COLLATE "C",
    value_role VARCHAR COLLATE "C", PRIMARY KEY (res_date_row)
);

CREATE INDEX ix_rr_res_date_ivoid ON rr_res_date (ivoid);

CREATE TABLE rr_res_detail (
    res_detail_row BIGSERIAL NOT NULL, ivoid VARCHAR COLLATE "C" NOT NULL, cap_index INTEGER,
    detail_xpath VARCHAR COLLATE "C", detail_value TEXT, PRIMARY KEY (res_detail_row)
);

CREATE INDEX rr_res_detail_by_detail_value ON rr_res_detail USING hash (detail_value);

CREATE INDEX rr_res_detail_by_detail_xpath ON rr_res_detail USING hash (detail_xpath);

CREATE INDEX ix_rr_res_detail_ivoid ON rr_res_detail (ivoid);

CREATE TABLE rr_alt_identifier (
    alt_identifier_row BIGSERIAL NOT NULL, ivoid VARCHAR COLLATE "C" NOT NULL, alt_identifier VARCHAR COLLATE "C",
    PRIMARY KEY (alt_identifier_row)
);

CREATE INDEX rr_alt_identifier_by_alt_identifier ON rr_alt_identifier USING hash (alt_identifier);

CREATE INDEX ix_rr_alt_identifier_ivoid ON rr_alt_identifier (ivoid);

CREATE TABLE rr_stc_spatial (
    stc_spatial_row BIGSERIAL NOT NULL, ivoid VARCHAR COLLATE "C" NOT NULL, coverage TEXT,
    ref_system_name VARCHAR COLLATE "C", coverage_cells TEXT, coverage_area BIGINT, PRIMARY KEY (stc_spatial_row)
);

CREATE INDEX ix_rr_stc_spatial_ivoid ON rr_stc_spatial (ivoid);

CREATE FUNCTION rr_stc_spatial_in() RETURNS trigger LANGUAGE plpgsql AS $body$ BEGIN INSERT INTO moc_cells (uniq, stc_spatial_row) SELECT value, new.stc_spatial_row FROM (SELECT value::integer FROM jsonb_array_elements_text(new.coverage_cells::jsonb) AS _ (value)) AS _cells; RETURN NULL; END $body$;

CREATE TRIGGER rr_stc_spatial_in AFTER INSERT ON rr_stc_spatial FOR EACH ROW EXECUTE FUNCTION rr_stc_spatial_in();

CREATE FUNCTION rr_stc_spatial_out() RETURNS trigger LANGUAGE plpgsql AS $body$ BEGIN DELETE FROM moc_cells WHERE stc_spatial_row = old.stc_spatial_row AND uniq IN (SELECT value::integer FROM jsonb_array_elements_text(old.coverage_cells::jsonb) AS _ (value)); RETURN NULL; END $body$;

CREATE TRIGGER rr_stc_spatial_out AFTER DELETE ON rr_stc_spatial FOR EACH ROW EXECUTE FUNCTION rr_stc_spatial_out();

CREATE TABLE moc_cells (
    uniq INTEGER NOT NULL, stc_spatial_row BIGINT NOT NULL, PRIMARY KEY (uniq, stc_spatial_row)
);

CREATE TABLE rr_stc_temporal (
    stc_temporal_row BIGSERIAL NOT NULL, ivoid VARCHAR COLLATE "C" NOT NULL, time_start FLOAT, time_end FLOAT,
    PRIMARY KEY (stc_temporal_row)
);

CREATE INDEX rr_stc_temporal_by_time ON rr_stc_temporal (time_start, time_end);

CREATE INDEX ix_rr_stc_temporal_ivoid ON rr_stc_temporal (ivoid);

CREATE TABLE rr_stc_spectral (
    stc_spectral_row BIGSERIAL NOT NULL, ivoid VARCHAR COLLATE "C" NOT NULL, spectral_start FLOAT, spectral_end FLOAT,
    PRIMARY KEY (stc_spectral_row)
);

CREATE INDEX rr_stc_spectral_by_energy ON rr_stc_spectral (spectral_start, spectral_end);

CREATE INDEX ix_rr_stc_spectral_ivoid ON rr_stc_spectral (ivoid);

CREATE TABLE rr_tap_table (
    tap_table_row BIGSERIAL NOT NULL, resid VARCHAR COLLATE "C" NOT NULL, svcid VARCHAR COLLATE "C" NOT NULL,
    table_name VARCHAR COLLATE "C", table_title TEXT, table_description TEXT, table_utype VARCHAR COLLATE "C",
    PRIMARY KEY (tap_table_row)
);

CREATE INDEX rr_tap_table_by_svcid ON rr_tap_table USING hash (svcid);

CREATE INDEX ix_rr_tap_table_resid ON rr_tap_table (resid);

ALTER TABLE rr_tap_table ADD COLUMN table_description_words tsvector GENERATED ALWAYS AS (words_of(table_description)) STORED;

CREATE INDEX rr_tap_table_table_description_words ON rr_tap_table USING gin (table_description_words);

ALTER TABLE rr_tap_table ADD COLUMN table_title_words tsvector GENERATED ALWAYS AS (words_of(table_title)) STORED;

CREATE INDEX rr_tap_table_table_title_words ON rr_tap_table USING gin (table_title_words);

CREATE TABLE sessions (
    token_hash VARCHAR COLLATE "C" NOT NULL, account_id BIGINT NOT NULL, created VARCHAR COLLATE "C" NOT NULL,
    seen VARCHAR COLLATE "C" NOT NULL, PRIMARY KEY (token_hash), FOREIGN KEY(account_id) REFERENCES accounts (id)
);

CREATE TABLE api_tokens (
    id BIGSERIAL NOT NULL, account_id BIGINT NOT NULL, token_hash VARCHAR COLLATE "C" NOT NULL,
    label VARCHAR COLLATE "C" NOT NULL, role VARCHAR COLLATE "C" NOT NULL, created VARCHAR COLLATE "C" NOT NULL,
    expires VARCHAR COLLATE "C", last_used VARCHAR COLLATE "C", PRIMARY KEY (id),
    FOREIGN KEY(account_id) REFERENCES accounts (id), UNIQUE (token_hash)
);

CREATE TABLE records (
    key VARCHAR COLLATE "C" NOT NULL, ivoid VARCHAR COLLATE "C" NOT NULL, authority VARCHAR COLLATE "C" NOT NULL,
    origin VARCHAR COLLATE "C" NOT NULL, source_id BIGINT, type VARCHAR COLLATE "C" NOT NULL, title TEXT NOT NULL,
    status VARCHAR COLLATE "C" NOT NULL, managed BOOLEAN NOT NULL, datestamp VARCHAR COLLATE "C" NOT NULL,
    digest VARCHAR COLLATE "C" NOT NULL, projected VARCHAR COLLATE "C" NOT NULL, version INTEGER NOT NULL,
    profile VARCHAR COLLATE "C" NOT NULL, problems JSON NOT NULL, updated VARCHAR COLLATE "C" NOT NULL,
    xml BYTEA NOT NULL, PRIMARY KEY (key), FOREIGN KEY(source_id) REFERENCES sources (id)
);

CREATE INDEX records_by_stamp ON records (datestamp, key, status);

CREATE INDEX ix_records_authority ON records (authority);

CREATE INDEX records_managed_by_stamp ON records (managed, datestamp, key, status);

CREATE TABLE harvest_runs (
    id BIGSERIAL NOT NULL, source_id BIGINT NOT NULL, state VARCHAR COLLATE "C" NOT NULL,
    started VARCHAR COLLATE "C" NOT NULL, ended VARCHAR COLLATE "C", from_ VARCHAR COLLATE "C",
    first_response VARCHAR COLLATE "C", token TEXT, pages INTEGER NOT NULL, list_size BIGINT, "new" INTEGER NOT NULL,
    updated INTEGER NOT NULL, unchanged INTEGER NOT NULL, deleted INTEGER NOT NULL, rejected INTEGER NOT NULL,
    message TEXT NOT NULL, lease VARCHAR COLLATE "C" NOT NULL, who VARCHAR COLLATE "C" NOT NULL,
    accept_loss BOOLEAN NOT NULL, missing INTEGER NOT NULL, editions JSON NOT NULL, faults JSON NOT NULL,
    PRIMARY KEY (id), FOREIGN KEY(source_id) REFERENCES sources (id)
);

CREATE INDEX ix_harvest_runs_source_id ON harvest_runs (source_id);

CREATE TABLE quarantine (
    id BIGSERIAL NOT NULL, source_id BIGINT NOT NULL, run_id INTEGER NOT NULL, ivoid VARCHAR COLLATE "C" NOT NULL,
    digest VARCHAR COLLATE "C" NOT NULL, reason TEXT NOT NULL, raw BYTEA, at VARCHAR COLLATE "C" NOT NULL,
    state VARCHAR COLLATE "C" NOT NULL, who VARCHAR COLLATE "C" NOT NULL, decided VARCHAR COLLATE "C",
    PRIMARY KEY (id), FOREIGN KEY(source_id) REFERENCES sources (id)
);

CREATE UNIQUE INDEX quarantine_by_digest ON quarantine (source_id, digest);

CREATE TABLE harvest_changes (
    id BIGSERIAL NOT NULL, source_id BIGINT NOT NULL, run_id INTEGER NOT NULL, at VARCHAR COLLATE "C" NOT NULL,
    was VARCHAR COLLATE "C" NOT NULL, state VARCHAR COLLATE "C" NOT NULL, message TEXT NOT NULL, tries INTEGER,
    told JSON NOT NULL, PRIMARY KEY (id), FOREIGN KEY(source_id) REFERENCES sources (id)
);

CREATE INDEX ix_harvest_changes_source_id ON harvest_changes (source_id);

CREATE TABLE job_parameters (
    id BIGSERIAL NOT NULL, job_id VARCHAR COLLATE "C" NOT NULL, name VARCHAR COLLATE "C" NOT NULL,
    value TEXT NOT NULL, by_reference BOOLEAN NOT NULL, origin TEXT NOT NULL, PRIMARY KEY (id),
    FOREIGN KEY(job_id) REFERENCES jobs (id) ON DELETE CASCADE
);

CREATE INDEX ix_job_parameters_job_id ON job_parameters (job_id);

CREATE TABLE job_results (
    job_id VARCHAR COLLATE "C" NOT NULL, id VARCHAR COLLATE "C" NOT NULL, position INTEGER NOT NULL,
    path VARCHAR COLLATE "C" NOT NULL, size BIGINT NOT NULL, media_type VARCHAR COLLATE "C" NOT NULL,
    sha256 VARCHAR COLLATE "C" NOT NULL, PRIMARY KEY (job_id, id),
    FOREIGN KEY(job_id) REFERENCES jobs (id) ON DELETE CASCADE
);

CREATE TABLE job_phases (
    id BIGSERIAL NOT NULL, job_id VARCHAR COLLATE "C" NOT NULL, phase VARCHAR COLLATE "C" NOT NULL,
    at VARCHAR COLLATE "C" NOT NULL, PRIMARY KEY (id), FOREIGN KEY(job_id) REFERENCES jobs (id) ON DELETE CASCADE
);

CREATE INDEX ix_job_phases_job_id ON job_phases (job_id);

CREATE TABLE repository_tags (
    host VARCHAR COLLATE "C" NOT NULL, name VARCHAR COLLATE "C" NOT NULL, tag VARCHAR COLLATE "C" NOT NULL,
    digest VARCHAR COLLATE "C" NOT NULL, since VARCHAR COLLATE "C" NOT NULL, PRIMARY KEY (host, name, tag),
    FOREIGN KEY(host) REFERENCES repositories (host) ON DELETE CASCADE
);

CREATE TABLE set_members (
    spec VARCHAR COLLATE "C" NOT NULL, key VARCHAR COLLATE "C" NOT NULL, PRIMARY KEY (spec, key),
    FOREIGN KEY(spec) REFERENCES sets (spec), FOREIGN KEY(key) REFERENCES records (key)
);

CREATE TABLE harvest_seen (
    id BIGSERIAL NOT NULL, run_id BIGINT NOT NULL, hashes BYTEA NOT NULL, PRIMARY KEY (id),
    FOREIGN KEY(run_id) REFERENCES harvest_runs (id)
);

CREATE INDEX ix_harvest_seen_run_id ON harvest_seen (run_id);

CREATE TABLE harvest_problems (
    id BIGSERIAL NOT NULL, run_id BIGINT NOT NULL, ivoid VARCHAR COLLATE "C" NOT NULL,
    kind VARCHAR COLLATE "C" NOT NULL, reason TEXT NOT NULL, quarantine_id BIGINT, PRIMARY KEY (id),
    FOREIGN KEY(run_id) REFERENCES harvest_runs (id), FOREIGN KEY(quarantine_id) REFERENCES quarantine (id)
);

CREATE INDEX ix_harvest_problems_run_id ON harvest_problems (run_id);
