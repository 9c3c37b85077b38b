-- Sweeps compare everything a vendor has with everything we have; a proof is what one found.

-- +goose Up

CREATE TABLE sweeps (
  workspace_id  bigint NOT NULL,
  connection_id bigint NOT NULL,
  object        text COLLATE "C" NOT NULL,
  phase         text COLLATE "C" NOT NULL DEFAULT 'walk' CHECK (phase IN ('walk', 'gather', 'confirm', 'stopped')),
  cursor        text NOT NULL DEFAULT '',
  seq           bigint NOT NULL DEFAULT 0,
  as_of         timestamptz NOT NULL,
  seen          bigint NOT NULL DEFAULT 0,
  progress      real NOT NULL DEFAULT -1,
  figures       jsonb NOT NULL DEFAULT '{}',
  why           text NOT NULL DEFAULT '',
  started_at    timestamptz NOT NULL DEFAULT now(),
  moved_at      timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (workspace_id, connection_id, object),
  FOREIGN KEY (workspace_id, connection_id) REFERENCES connections (workspace_id, id) ON DELETE CASCADE
);
COMMENT ON TABLE sweeps IS 'Sweeps under way: how far the comparison of an object with the vendor is. Gone once its proof is written.';
COMMENT ON COLUMN sweeps.phase IS 'walk: pages are compared; gather: what no page showed is looked for; confirm: it is asked for record by record; stopped: a person must look first, see why.';
COMMENT ON COLUMN sweeps.cursor IS 'Place in the walk, in a form only the connector reads.';
COMMENT ON COLUMN sweeps.seq IS 'Number of commits: the next one moves the place only if the one before did.';
COMMENT ON COLUMN sweeps.as_of IS 'The vendor''s instant up to which everything had been pulled when the sweep began: what it holds us to.';
COMMENT ON COLUMN sweeps.seen IS 'Different records that pages have shown.';
COMMENT ON COLUMN sweeps.progress IS 'Of the walk, 0 to 1; negative when the vendor gives no measure.';
COMMENT ON COLUMN sweeps.figures IS 'What was found so far, by object: the one walked and those that come with it.';
COMMENT ON COLUMN sweeps.why IS 'Why it stopped, and what to do; empty otherwise.';
COMMENT ON COLUMN sweeps.moved_at IS 'When it last came on.';
CALL isolate('sweeps');

CREATE TABLE sweep_ids (
  workspace_id  bigint NOT NULL,
  connection_id bigint NOT NULL,
  object        text COLLATE "C" NOT NULL,
  part          text COLLATE "C" NOT NULL CHECK (part IN ('shown', 'missed')),
  seq           bigint NOT NULL,
  ids           text[] COLLATE "C" NOT NULL,
  PRIMARY KEY (workspace_id, connection_id, object, part, seq),
  FOREIGN KEY (workspace_id, connection_id, object) REFERENCES sweeps (workspace_id, connection_id, object) ON DELETE CASCADE
);
COMMENT ON TABLE sweep_ids IS 'Ids of a sweep under way: those each page showed, and in chunks those that none did and that are still to be asked for. Kept here and not on the records, so that a comparison writes nothing to what is equal.';
COMMENT ON COLUMN sweep_ids.part IS 'shown: by a page; missed: by none.';
COMMENT ON COLUMN sweep_ids.seq IS 'Page or chunk.';
COMMENT ON COLUMN sweep_ids.ids IS 'External ids; each is in one row of a part.';
CALL isolate('sweep_ids');

CREATE TABLE proofs (
  workspace_id  bigint NOT NULL,
  id            bigint GENERATED ALWAYS AS IDENTITY,
  connection_id bigint NOT NULL,
  object        text COLLATE "C" NOT NULL,
  as_of         timestamptz NOT NULL,
  started_at    timestamptz NOT NULL,
  finished_at   timestamptz NOT NULL DEFAULT now(),
  found         bigint NOT NULL,
  unrepaired    bigint NOT NULL,
  figures       jsonb NOT NULL,
  PRIMARY KEY (workspace_id, id),
  FOREIGN KEY (workspace_id, connection_id) REFERENCES connections (workspace_id, id) ON DELETE CASCADE
);
COMMENT ON TABLE proofs IS 'What each sweep of an object found. Kept 30 days, and the last five of each object.';
COMMENT ON COLUMN proofs.as_of IS 'The vendor''s instant that it speaks of: what changed later is in neither side''s figures.';
COMMENT ON COLUMN proofs.found IS 'Records that differed though the vendor had them so before as_of.';
COMMENT ON COLUMN proofs.unrepaired IS 'Those of them that differ still.';
COMMENT ON COLUMN proofs.figures IS 'Counts, checksums by month of update (UTC) and by stage on both sides, kinds of difference, examples.';
CREATE INDEX proofs_recent ON proofs (workspace_id, connection_id, object, id DESC);
CALL isolate('proofs');

COMMENT ON COLUMN runs.kind IS 'pull, receive, history, replay, watch, sweep.';
COMMENT ON TABLE runs IS 'What each pull, reception, replay, watch or sweep did, for `salesbook runs`. Kept 30 days.';
COMMENT ON COLUMN changes.origin IS 'pull, receive, history, replay, sweep: which kind of job saw it.';

-- Connections made before this release are swept, too.
INSERT INTO schedules (workspace_id, kind, connection_id, every, next_at)
SELECT workspace_id, 'sweep', id, interval '1 day', now() + interval '10 minutes' FROM connections ON CONFLICT DO NOTHING;

-- +goose StatementBegin
CREATE FUNCTION proof_stats() RETURNS TABLE (workspace text, connection text, vendor text, object text, every interval, as_of timestamptz, found bigint, unrepaired bigint) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = salesbook, pg_temp AS $$
  SELECT w.name, c.name, c.vendor, k.object, s.every, p.as_of, p.found, p.unrepaired
  FROM connections c JOIN workspaces w ON w.id = c.workspace_id
  JOIN cursors k ON k.workspace_id = c.workspace_id AND k.connection_id = c.id
  LEFT JOIN schedules s ON s.workspace_id = c.workspace_id AND s.connection_id = c.id AND s.kind = 'sweep'
  LEFT JOIN LATERAL (SELECT p.as_of, p.found, p.unrepaired FROM proofs p
    WHERE p.workspace_id = c.workspace_id AND p.connection_id = c.id AND p.object = k.object ORDER BY p.id DESC LIMIT 1) p ON true
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION proof_stats() IS 'Figures for /metrics, of every workspace: the last proof of each object, without any customer''s data.';

-- +goose StatementBegin
CREATE FUNCTION ensure_statistics() RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = salesbook, pg_temp SET lock_timeout = '3s' AS $$
DECLARE t regclass; made integer := 0;
BEGIN
  FOR t IN SELECT c.oid FROM pg_class c WHERE c.relnamespace = 'salesbook'::regnamespace AND c.relkind = 'r' AND c.reltuples < 0 AND pg_relation_size(c.oid) > 0 ORDER BY c.oid LOOP
    BEGIN
      EXECUTE format('ANALYZE %s', t);
      made := made + 1;
    EXCEPTION WHEN lock_not_available THEN NULL; -- somebody else is at it
    END;
  END LOOP;
  RETURN made;
END $$;
-- +goose StatementEnd
COMMENT ON FUNCTION ensure_statistics() IS 'Gathers statistics of tables that have none yet, as after a first load: without them the planner takes a full table for an empty one, and reads all of it for each page of a comparison.';

REVOKE ALL ON FUNCTION proof_stats(), ensure_statistics() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION proof_stats(), ensure_statistics() TO salesbook_app;

-- +goose Down
SELECT 1;
