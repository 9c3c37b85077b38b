-- +goose NO TRANSACTION
-- What was written about a lead is looked up for every verdict on it.

-- +goose Up
DROP INDEX CONCURRENTLY IF EXISTS notes_of_lead;
CREATE INDEX CONCURRENTLY notes_of_lead ON notes (workspace_id, connection_id, lead_id) WHERE lead_id IS NOT NULL;

-- +goose Down
SELECT 1;
