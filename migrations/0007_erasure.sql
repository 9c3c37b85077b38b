-- A person who was erased stays erased: what would bring him back is recognised by keyed hashes.

-- +goose Up

CREATE TABLE erasure_keys (
  workspace_id bigint PRIMARY KEY REFERENCES workspaces (id),
  sealed       bytea NOT NULL,
  key_id       bigint NOT NULL
);
COMMENT ON TABLE erasure_keys IS 'The secret under which suppressions are hashed, sealed with the key file: without that file nobody can try out phone numbers against them.';
COMMENT ON COLUMN erasure_keys.sealed IS '32 random bytes, encrypted.';
COMMENT ON COLUMN erasure_keys.key_id IS 'Which key of the key file sealed it.';
CALL isolate('erasure_keys');

CREATE TABLE suppressions (
  workspace_id bigint NOT NULL REFERENCES workspaces (id),
  digest       bytea NOT NULL,
  erased_at    timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (workspace_id, digest)
);
COMMENT ON TABLE suppressions IS 'What must not come back of persons who were erased: keyed hashes of their records, addresses, numbers and names.';
COMMENT ON COLUMN suppressions.digest IS 'First 16 bytes of HMAC-SHA256 under the workspace''s secret.';
COMMENT ON COLUMN suppressions.erased_at IS 'When the person was erased.';
CALL isolate('suppressions');

-- +goose StatementBegin
DO $$
DECLARE t regclass;
BEGIN
  FOR t IN SELECT a.attrelid::regclass FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relnamespace = 'salesbook'::regnamespace AND c.relkind = 'r' AND a.attname = 'deleted_why'
  LOOP
    EXECUTE format('COMMENT ON COLUMN %s.deleted_why IS %L', t, 'deleted, merged, not visible, or erased: a person who asked for it, and never stored again.');
  END LOOP;
END $$;
-- +goose StatementEnd

-- +goose Down
SELECT 1;
