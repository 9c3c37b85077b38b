-- +goose NO TRANSACTION
-- What was done about a lead is looked up for every verdict on it.

-- +goose Up
DROP INDEX CONCURRENTLY IF EXISTS activities_of_lead;
CREATE INDEX CONCURRENTLY activities_of_lead ON activities (workspace_id, connection_id, lead_id) WHERE lead_id IS NOT NULL;

-- +goose Down
SELECT 1;
