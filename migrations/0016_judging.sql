-- What a workspace's judgements go by, cheap to compare, and what waits to be judged, found without reading all of it.

-- +goose Up
ALTER TABLE connections ADD COLUMN read_at timestamptz;
COMMENT ON COLUMN connections.read_at IS 'When everything had been read once, but for what the vendor refuses; null until then: its deals and leads are not judged.';
UPDATE connections c SET read_at = now() FROM maps m WHERE (m.workspace_id, m.connection_id) = (c.workspace_id, c.id) AND m.replayed <> 0;

ALTER TABLE maps ADD COLUMN judged bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN maps.judged IS 'Number of the map, field definitions, pipelines and stages by which deals and leads are judged; if those have another, all are judged anew.';

CREATE INDEX dirty_waiting ON dirty (workspace_id, connection_id, since);

-- +goose Down
SELECT 1;
