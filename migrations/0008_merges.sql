-- Of a record that is gone because it was merged: into which.

-- +goose Up
ALTER TABLE records ADD COLUMN merged_into text COLLATE "C";
COMMENT ON COLUMN records.merged_into IS 'The vendor''s id of the record that took it in; null unless deleted_why is merged.';

-- +goose Down
SELECT 1;
