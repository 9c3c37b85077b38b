-- Of what is gone because it was merged: into which.

-- +goose Up
ALTER TABLE records ADD COLUMN merged_into text COLLATE "C";
COMMENT ON COLUMN records.merged_into IS 'The vendor''s id of the record that took it in; null unless deleted_why is merged.';

-- +goose StatementBegin
DO $$
DECLARE kind regclass;
BEGIN
  FOR kind IN SELECT a.attrelid::regclass FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relnamespace = 'salesbook'::regnamespace AND c.relkind = 'r' AND a.attname = 'map_version' ORDER BY c.relname
  LOOP
    EXECUTE format('ALTER TABLE %s ADD COLUMN merged_into text COLLATE "C"', kind);
    EXECUTE format('COMMENT ON COLUMN %s.merged_into IS %L', kind, 'External id of the one that took it in; null unless deleted_why is merged.');
  END LOOP;
END $$;
-- +goose StatementEnd

-- +goose Down
SELECT 1;
