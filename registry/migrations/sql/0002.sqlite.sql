-- What revision 0002 changes on SQLite.

ALTER TABLE local_service RENAME TO site_service;

DROP INDEX ix_local_service_datacenter;

CREATE INDEX ix_site_service_datacenter ON site_service (datacenter);

ALTER TABLE harvest_runs ADD COLUMN taken VARCHAR;

ALTER TABLE harvest_runs ADD COLUMN taken_pages INTEGER NOT NULL DEFAULT 0;

ALTER TABLE harvest_runs ADD COLUMN skipped INTEGER NOT NULL DEFAULT 0;

ALTER TABLE harvest_runs ADD COLUMN tail JSON NOT NULL DEFAULT '[]';

CREATE TABLE identities (
    issuer VARCHAR NOT NULL, subject VARCHAR NOT NULL, account_id INTEGER NOT NULL, made BOOLEAN NOT NULL,
    created VARCHAR NOT NULL, seen VARCHAR, PRIMARY KEY (issuer, subject),
    FOREIGN KEY(account_id) REFERENCES accounts (id)
);

CREATE INDEX ix_identities_account_id ON identities (account_id);

ALTER TABLE sessions ADD COLUMN issuer VARCHAR NOT NULL DEFAULT '';

CREATE TABLE visits (
    state_hash VARCHAR NOT NULL, browser_hash VARCHAR NOT NULL, nonce VARCHAR NOT NULL, verifier VARCHAR NOT NULL,
    goal TEXT NOT NULL, account_id INTEGER, address VARCHAR NOT NULL, at VARCHAR NOT NULL, PRIMARY KEY (state_hash),
    FOREIGN KEY(account_id) REFERENCES accounts (id)
);

CREATE INDEX ix_visits_address ON visits (address);

DROP INDEX rr_tap_table_by_service;

CREATE INDEX rr_tap_table_by_service ON rr_tap_table (svcid, table_name, resid);

CREATE TABLE draft_news (
    id INTEGER NOT NULL, at VARCHAR NOT NULL, waiting INTEGER NOT NULL, images JSON NOT NULL, tries INTEGER,
    told JSON NOT NULL, PRIMARY KEY (id)
);
