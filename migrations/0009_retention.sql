-- How long a company keeps what grows, where that is not the default.

-- +goose Up

CREATE TABLE retention (
  workspace_id bigint NOT NULL REFERENCES workspaces (id),
  what         text COLLATE "C" NOT NULL,
  keep_days    integer NOT NULL CHECK (keep_days > 0),
  PRIMARY KEY (workspace_id, what)
);
COMMENT ON TABLE retention IS 'How long rows are kept where a company has chosen otherwise than the default.';
COMMENT ON COLUMN retention.what IS 'changes, deliveries, failures, proofs or runs.';
COMMENT ON COLUMN retention.keep_days IS 'Whole days.';
CALL isolate('retention');

-- +goose StatementBegin
CREATE FUNCTION longest_retention(kind text, usual integer) RETURNS integer LANGUAGE sql STABLE SECURITY DEFINER SET search_path = salesbook, pg_temp AS $$
  SELECT COALESCE(max(COALESCE(r.keep_days, usual)), usual) FROM workspaces w LEFT JOIN retention r ON r.workspace_id = w.id AND r.what = kind
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION longest_retention(text, integer) IS 'Retention: after how many days a month can be dropped because no company keeps it any longer.';
REVOKE ALL ON FUNCTION longest_retention(text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION longest_retention(text, integer) TO salesbook_app;

-- +goose Down
SELECT 1;
