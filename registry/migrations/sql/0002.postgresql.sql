-- What revision 0002 changes on PostgreSQL.

ALTER TABLE local_service RENAME TO site_service;

ALTER INDEX ix_local_service_datacenter RENAME TO ix_site_service_datacenter;

ALTER INDEX local_service_pkey RENAME TO site_service_pkey;

ALTER TABLE harvest_runs ADD COLUMN taken VARCHAR COLLATE "C";

ALTER TABLE harvest_runs ADD COLUMN taken_pages INTEGER NOT NULL DEFAULT 0;

ALTER TABLE harvest_runs ADD COLUMN skipped INTEGER NOT NULL DEFAULT 0;

ALTER TABLE harvest_runs ADD COLUMN tail JSON NOT NULL DEFAULT '[]';

CREATE TABLE identities (
    issuer VARCHAR COLLATE "C" NOT NULL, subject VARCHAR COLLATE "C" NOT NULL, account_id BIGINT NOT NULL,
    made BOOLEAN NOT NULL, created VARCHAR COLLATE "C" NOT NULL, seen VARCHAR COLLATE "C",
    PRIMARY KEY (issuer, subject), FOREIGN KEY(account_id) REFERENCES accounts (id)
);

CREATE INDEX ix_identities_account_id ON identities (account_id);

ALTER TABLE sessions ADD COLUMN issuer VARCHAR COLLATE "C" NOT NULL DEFAULT '';

CREATE TABLE visits (
    state_hash VARCHAR COLLATE "C" NOT NULL, browser_hash VARCHAR COLLATE "C" NOT NULL,
    nonce VARCHAR COLLATE "C" NOT NULL, verifier VARCHAR COLLATE "C" NOT NULL, goal TEXT NOT NULL, account_id BIGINT,
    address VARCHAR COLLATE "C" NOT NULL, at VARCHAR COLLATE "C" NOT NULL, PRIMARY KEY (state_hash),
    FOREIGN KEY(account_id) REFERENCES accounts (id)
);

CREATE INDEX ix_visits_address ON visits (address);

CREATE TABLE draft_news (
    id BIGSERIAL NOT NULL, at VARCHAR COLLATE "C" NOT NULL, waiting INTEGER NOT NULL, images JSON NOT NULL, tries INTEGER,
    told JSON NOT NULL, PRIMARY KEY (id)
);
