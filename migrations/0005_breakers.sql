-- A vendor that cannot be reached is left alone for a while, by all workers.

-- +goose Up

CREATE TABLE breakers (
  workspace_id  bigint NOT NULL,
  connection_id bigint NOT NULL,
  strikes       integer NOT NULL,
  why           text NOT NULL,
  since         timestamptz NOT NULL DEFAULT now(),
  at            timestamptz NOT NULL DEFAULT now(),
  rest_until    timestamptz,
  PRIMARY KEY (workspace_id, connection_id),
  FOREIGN KEY (workspace_id, connection_id) REFERENCES connections (workspace_id, id) ON DELETE CASCADE
);
COMMENT ON TABLE breakers IS 'Connections whose last calls failed for reasons that pass. A row goes once the vendor has answered properly.';
COMMENT ON COLUMN breakers.strikes IS 'Temporary failures one after the other, without a page or a finished run between them.';
COMMENT ON COLUMN breakers.why IS 'The last of them, in words.';
COMMENT ON COLUMN breakers.since IS 'When the first of them was.';
COMMENT ON COLUMN breakers.at IS 'When the last of them was that counted.';
COMMENT ON COLUMN breakers.rest_until IS 'Nobody calls the vendor before this instant; then one job tries, and moves it on meanwhile. Null while the failures are too few.';
CALL isolate('breakers');

-- +goose StatementBegin
CREATE FUNCTION breaker_stats() RETURNS TABLE (workspace text, connection text, vendor text, resting boolean) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = salesbook, pg_temp AS $$
  SELECT w.name, c.name, c.vendor, COALESCE(b.rest_until > now(), false)
  FROM connections c JOIN workspaces w ON w.id = c.workspace_id
  LEFT JOIN breakers b ON b.workspace_id = c.workspace_id AND b.connection_id = c.id
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION breaker_stats() IS 'Figures for /metrics, of every workspace: which connections rest, without any customer''s data.';
REVOKE ALL ON FUNCTION breaker_stats() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION breaker_stats() TO salesbook_app;

-- +goose Down
SELECT 1;
