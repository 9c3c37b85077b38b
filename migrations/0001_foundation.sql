-- Roles are made before (see internal/postgres/migrate.go): salesbook_owner owns everything here,
-- salesbook_app serves and owns nothing, salesbook_river owns the schema "river".
-- Every table has row-level security enabled and forced, so that a forgotten WHERE returns nothing.
-- The owner's own policy is what SECURITY DEFINER functions pass; README.md lists each with its reason.

-- +goose Up

-- +goose StatementBegin
CREATE FUNCTION current_workspace() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT NULLIF(current_setting('salesbook.workspace', true), '')::bigint $$;
-- +goose StatementEnd
COMMENT ON FUNCTION current_workspace() IS 'The workspace of this transaction, or null: after SET LOCAL has ended the setting is the empty string, which a bare cast would refuse.';

-- +goose StatementBegin
CREATE PROCEDURE isolate(t regclass) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', t);
  EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', t);
  EXECUTE format('CREATE POLICY workspace ON %s USING (workspace_id = NULLIF(current_setting(''salesbook.workspace'', true), '''')::bigint) WITH CHECK (workspace_id = NULLIF(current_setting(''salesbook.workspace'', true), '''')::bigint)', t);
  EXECUTE format('CREATE POLICY system ON %s TO salesbook_owner USING (true) WITH CHECK (true)', t);
  EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO salesbook_app', t);
END $$;
-- +goose StatementEnd
COMMENT ON PROCEDURE isolate(regclass) IS 'Makes a table belong to its workspace_id: row-level security enabled and forced, policies for the application and for system functions, and the grants. Every migration that creates a table calls it.';

-- +goose StatementBegin
CREATE PROCEDURE seclude(t regclass) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', t);
  EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', t);
  EXECUTE format('CREATE POLICY system ON %s TO salesbook_owner USING (true) WITH CHECK (true)', t);
END $$;
-- +goose StatementEnd
COMMENT ON PROCEDURE seclude(regclass) IS 'Makes a table of the whole installation visible to system functions only.';

CALL seclude('goose_db_version');
COMMENT ON TABLE goose_db_version IS 'Which migrations have run; kept by the migration library.';

CREATE TABLE installation (
  only_one    boolean PRIMARY KEY DEFAULT true CHECK (only_one),
  key_canary  bytea,
  created_at  timestamptz NOT NULL DEFAULT now(),
  restored_at timestamptz
);
COMMENT ON TABLE installation IS 'One row about this installation.';
COMMENT ON COLUMN installation.key_canary IS 'A known text sealed with the key file: a key file that cannot open it belongs to another database.';
COMMENT ON COLUMN installation.restored_at IS 'Set by `salesbook db restore`: connections start paused until a person resumes them.';
INSERT INTO installation DEFAULT VALUES;
CALL seclude('installation');

CREATE TABLE workspaces (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name       text COLLATE "C" NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
  zone       text NOT NULL DEFAULT 'UTC',
  created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE workspaces IS 'A company whose sales department is looked after. Everything else belongs to one.';
COMMENT ON COLUMN workspaces.zone IS 'IANA time zone in which working days and reports are counted.';
ALTER TABLE workspaces ENABLE ROW LEVEL SECURITY;
ALTER TABLE workspaces FORCE ROW LEVEL SECURITY;
CREATE POLICY workspace ON workspaces USING (id = current_workspace()) WITH CHECK (id = current_workspace());
CREATE POLICY system ON workspaces TO salesbook_owner USING (true) WITH CHECK (true);
GRANT SELECT, UPDATE ON workspaces TO salesbook_app;

CREATE TABLE members (
  workspace_id bigint NOT NULL REFERENCES workspaces (id),
  id           bigint GENERATED ALWAYS AS IDENTITY,
  email        text COLLATE "C" NOT NULL,
  name         text NOT NULL,
  role         text NOT NULL CHECK (role IN ('admin', 'head')),
  created_at   timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (workspace_id, id),
  UNIQUE (workspace_id, email)
);
COMMENT ON TABLE members IS 'People who log in: heads of sales and admins. Reps need not.';
COMMENT ON COLUMN members.email IS 'Lower case.';
COMMENT ON COLUMN members.role IS 'admin: may change settings; head: a head of sales.';
CALL isolate('members');

CREATE TABLE vendor_accounts (
  id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  vendor         text COLLATE "C" NOT NULL,
  account        text COLLATE "C" NOT NULL,
  burst          integer,
  burst_window   interval,
  daily          integer,
  daily_zone     text NOT NULL DEFAULT 'UTC',
  daily_left     integer,
  daily_day      date,
  learnt_at      timestamptz,
  parked_until   timestamptz,
  UNIQUE (vendor, account)
);
COMMENT ON TABLE vendor_accounts IS 'The owner of a quota at a vendor: one company there, shared by every connection to it, also of different workspaces.';
COMMENT ON COLUMN vendor_accounts.account IS 'The vendor''s id of the company; for a vendor reached under another base URL, prefixed by it.';
COMMENT ON COLUMN vendor_accounts.burst IS 'Cost units allowed within burst_window; null when not known.';
COMMENT ON COLUMN vendor_accounts.daily IS 'Cost units allowed in a day; null when not known or not limited.';
COMMENT ON COLUMN vendor_accounts.daily_zone IS 'IANA time zone in which the vendor''s day begins.';
COMMENT ON COLUMN vendor_accounts.daily_left IS 'What is left of the daily budget on daily_day, as last told by the vendor less what we spent since.';
COMMENT ON COLUMN vendor_accounts.daily_day IS 'The day, in daily_zone, that daily_left is about; on a later one the budget is whole again.';
COMMENT ON COLUMN vendor_accounts.learnt_at IS 'When the vendor last told its limits.';
COMMENT ON COLUMN vendor_accounts.parked_until IS 'The vendor refused for want of quota: nobody calls before this instant.';
CALL seclude('vendor_accounts');

CREATE UNLOGGED TABLE vendor_bursts (
  account_id bigint PRIMARY KEY,
  tokens     real NOT NULL,
  at         timestamptz NOT NULL,
  reserved   integer NOT NULL DEFAULT 0,
  day        date
);
COMMENT ON TABLE vendor_bursts IS 'Burst buckets. Unlogged: after a crash of PostgreSQL it is empty, and a missing row means an empty bucket, never a full one.';
COMMENT ON COLUMN vendor_bursts.tokens IS 'Calls that could be made at once at the instant "at".';
COMMENT ON COLUMN vendor_bursts.reserved IS 'Daily cost units already taken from vendor_accounts.daily_left for "day" and not yet spent.';
COMMENT ON COLUMN vendor_bursts.at IS 'When tokens was counted.';
COMMENT ON COLUMN vendor_bursts.day IS 'The day that reserved belongs to.';
CALL seclude('vendor_bursts');

CREATE TABLE connections (
  workspace_id      bigint NOT NULL REFERENCES workspaces (id),
  id                bigint GENERATED ALWAYS AS IDENTITY,
  name              text COLLATE "C" NOT NULL CHECK (name ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
  vendor            text COLLATE "C" NOT NULL,
  base_url          text NOT NULL DEFAULT '',
  settings          jsonb NOT NULL DEFAULT '{}',
  version           bigint NOT NULL DEFAULT 1,
  state             text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'paused', 'needs consent', 'removing')),
  state_why         text NOT NULL DEFAULT '',
  state_at          timestamptz NOT NULL DEFAULT now(),
  vendor_account_id bigint,
  account_name      text NOT NULL DEFAULT '',
  account_user      text NOT NULL DEFAULT '',
  zone              text NOT NULL DEFAULT 'UTC',
  rights_missing    text[] NOT NULL DEFAULT '{}',
  checked_at        timestamptz,
  hook_hash         bytea UNIQUE,
  hook_url          text NOT NULL DEFAULT '',
  created_at        timestamptz NOT NULL DEFAULT now(),
  rest_until        timestamptz,
  PRIMARY KEY (workspace_id, id),
  UNIQUE (workspace_id, name)
);
COMMENT ON TABLE connections IS 'One account of one vendor that a workspace reads from.';
COMMENT ON COLUMN connections.base_url IS 'Stands in for the vendor: a simulator or proxy; empty for the vendor itself.';
COMMENT ON COLUMN connections.settings IS 'Settings by name, never secrets: those are in credentials.';
COMMENT ON COLUMN connections.version IS 'Grows with every change of settings or credentials, so that opened connectors are opened anew.';
COMMENT ON COLUMN connections.zone IS 'IANA time zone of the account: dates without a zone are read in it.';
COMMENT ON COLUMN connections.rights_missing IS 'What the credentials may not see, in words, as of checked_at.';
COMMENT ON COLUMN connections.hook_hash IS 'SHA-256 of the unguessable part of the delivery URL; the part itself is sealed with the credentials.';
COMMENT ON COLUMN connections.rest_until IS 'The vendor could not be reached, or refused for want of quota: deliveries wait until then.';
COMMENT ON COLUMN connections.hook_url IS 'Public base URL under which deliveries are asked for; empty when none are.';
COMMENT ON COLUMN connections.state_why IS 'In words, for a person; empty while active.';
COMMENT ON COLUMN connections.account_name IS 'The company at the vendor, as the vendor names it.';
COMMENT ON COLUMN connections.account_user IS 'Whose credentials they are, as the vendor names that user.';
COMMENT ON COLUMN connections.vendor_account_id IS 'Owner of the quota; null until the credentials were checked.';
CALL isolate('connections');

CREATE TABLE credentials (
  workspace_id  bigint NOT NULL,
  connection_id bigint NOT NULL,
  sealed        bytea NOT NULL,
  key_id        bigint NOT NULL,
  version       bigint NOT NULL DEFAULT 1,
  updated_at    timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (workspace_id, connection_id),
  FOREIGN KEY (workspace_id, connection_id) REFERENCES connections (workspace_id, id) ON DELETE CASCADE
);
COMMENT ON TABLE credentials IS 'Secrets of a connection (tokens, client secrets, webhook passwords), sealed with the key file and bound to the connection''s id.';
COMMENT ON COLUMN credentials.key_id IS 'Which key of the key file sealed it.';
COMMENT ON COLUMN credentials.version IS 'Grows when tokens are refreshed; a refresh that lost the race sees it and uses the newer ones.';
COMMENT ON COLUMN credentials.sealed IS 'JSON of secrets by name, encrypted.';
CALL isolate('credentials');

CREATE TABLE maps (
  workspace_id  bigint NOT NULL,
  connection_id bigint NOT NULL,
  base          text NOT NULL,
  override      text NOT NULL DEFAULT '',
  version       bigint NOT NULL DEFAULT 0,
  replayed      bigint NOT NULL DEFAULT 0,
  updated_at    timestamptz NOT NULL DEFAULT now(),
  updated_by    text NOT NULL DEFAULT '',
  PRIMARY KEY (workspace_id, connection_id),
  FOREIGN KEY (workspace_id, connection_id) REFERENCES connections (workspace_id, id) ON DELETE CASCADE
);
COMMENT ON TABLE maps IS 'The field map of a connection. A row, not the binary''s default: a new release changes it only when an admin upgrades it.';
COMMENT ON COLUMN maps.base IS 'The vendor''s default map as it was when the connection was made or upgraded, YAML.';
COMMENT ON COLUMN maps.override IS 'What the admin changed, YAML.';
COMMENT ON COLUMN maps.version IS 'Number of the map, under the present field dictionary, that rows are to be mapped with: a page mapped with another one is refused.';
COMMENT ON COLUMN maps.replayed IS 'Number of the map with which all rows have been mapped. While it differs from version a replay is due.';
COMMENT ON COLUMN maps.updated_by IS 'Member or command, as in audit.';
CALL isolate('maps');

CREATE TABLE subscriptions (
  workspace_id  bigint NOT NULL,
  connection_id bigint NOT NULL,
  external_id   text COLLATE "C" NOT NULL,
  object        text COLLATE "C" NOT NULL,
  active        boolean NOT NULL,
  expires_at    timestamptz,
  checked_at    timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (workspace_id, connection_id, external_id),
  FOREIGN KEY (workspace_id, connection_id) REFERENCES connections (workspace_id, id) ON DELETE CASCADE
);
COMMENT ON TABLE subscriptions IS 'Standing orders for deliveries at the vendor, as last seen there.';
COMMENT ON COLUMN subscriptions.active IS 'False when the vendor has switched it off, after failed deliveries for instance.';
COMMENT ON COLUMN subscriptions.expires_at IS 'When the vendor ends it by itself; null for never.';
CALL isolate('subscriptions');

CREATE TABLE cursors (
  workspace_id  bigint NOT NULL,
  connection_id bigint NOT NULL,
  object        text COLLATE "C" NOT NULL,
  cursor        text NOT NULL DEFAULT '',
  seq           bigint NOT NULL DEFAULT 0,
  progress      real NOT NULL DEFAULT -1,
  seen          bigint NOT NULL DEFAULT 0,
  started_at    timestamptz NOT NULL DEFAULT now(),
  moved_at      timestamptz NOT NULL DEFAULT now(),
  loaded_at     timestamptz,
  as_of         timestamptz,
  PRIMARY KEY (workspace_id, connection_id, object),
  FOREIGN KEY (workspace_id, connection_id) REFERENCES connections (workspace_id, id) ON DELETE CASCADE
);
COMMENT ON TABLE cursors IS 'How far each object of a connection has been pulled.';
COMMENT ON COLUMN cursors.cursor IS 'In a form only the connector reads.';
COMMENT ON COLUMN cursors.seq IS 'Number of page commits: page n+1 moves the cursor only if page n did.';
COMMENT ON COLUMN cursors.progress IS 'Of the first walk, 0 to 1; negative when the vendor gives no measure.';
COMMENT ON COLUMN cursors.seen IS 'Records seen since started_at, repeats included.';
COMMENT ON COLUMN cursors.loaded_at IS 'When the first walk was complete; null until then.';
COMMENT ON COLUMN cursors.as_of IS 'The vendor''s instant up to which everything has been pulled.';
COMMENT ON COLUMN cursors.moved_at IS 'When the last page was committed.';
CALL isolate('cursors');

CREATE TABLE runs (
  workspace_id  bigint NOT NULL,
  id            bigint GENERATED ALWAYS AS IDENTITY,
  connection_id bigint NOT NULL,
  kind          text COLLATE "C" NOT NULL,
  object        text COLLATE "C" NOT NULL DEFAULT '',
  started_at    timestamptz NOT NULL DEFAULT now(),
  finished_at   timestamptz,
  outcome       text COLLATE "C" NOT NULL DEFAULT 'running',
  pages         bigint NOT NULL DEFAULT 0,
  seen          bigint NOT NULL DEFAULT 0,
  written       bigint NOT NULL DEFAULT 0,
  changed       bigint NOT NULL DEFAULT 0,
  deleted       bigint NOT NULL DEFAULT 0,
  quarantined   bigint NOT NULL DEFAULT 0,
  error         text NOT NULL DEFAULT '',
  PRIMARY KEY (workspace_id, id)
);
COMMENT ON TABLE runs IS 'What each pull, reception, replay or watch did, for `salesbook runs`. Kept 30 days.';
COMMENT ON COLUMN runs.outcome IS 'running, done, or the name of a fault kind.';
COMMENT ON COLUMN runs.seen IS 'Records read from the vendor.';
COMMENT ON COLUMN runs.written IS 'Records whose bytes were new or different.';
COMMENT ON COLUMN runs.changed IS 'Canonical rows that differ from before (a first sight is no change).';
CREATE INDEX runs_recent ON runs (workspace_id, connection_id, id DESC);
CREATE INDEX runs_open ON runs (workspace_id, connection_id) WHERE finished_at IS NULL;
COMMENT ON COLUMN runs.kind IS 'pull, receive, replay, watch.';
COMMENT ON COLUMN runs.object IS 'The vendor''s object; empty where a run is about several.';
COMMENT ON COLUMN runs.pages IS 'Pages committed.';
COMMENT ON COLUMN runs.quarantined IS 'Records that could not be mapped, see failures.';
COMMENT ON COLUMN runs.error IS 'Why it did not end well; empty otherwise.';
CALL isolate('runs');

CREATE TABLE inbox (
  workspace_id  bigint NOT NULL,
  id            bigint GENERATED BY DEFAULT AS IDENTITY,
  connection_id bigint NOT NULL,
  at            timestamptz NOT NULL,
  key           text COLLATE "C" NOT NULL,
  reads         jsonb NOT NULL,
  body          bytea NOT NULL,
  received_at   timestamptz NOT NULL DEFAULT now(),
  done_at       timestamptz,
  PRIMARY KEY (workspace_id, id, at),
  UNIQUE (workspace_id, connection_id, key, at)
) PARTITION BY RANGE (at);
COMMENT ON TABLE inbox IS 'Deliveries from vendors, stored before they were answered. Partitioned by month of the event; kept 30 days.';
COMMENT ON COLUMN inbox.at IS 'When it happened by the vendor''s clock, equal for repeats of one delivery; else when it was received.';
COMMENT ON COLUMN inbox.key IS 'The vendor''s id of the event, or a hash of the body: a repeat is stored once.';
COMMENT ON COLUMN inbox.reads IS 'Array of [object, id]: what to read again. The body itself is never mapped.';
COMMENT ON COLUMN inbox.done_at IS 'When everything it named had been read and committed.';
CREATE INDEX inbox_waiting ON inbox (workspace_id, connection_id, id) WHERE done_at IS NULL;
CREATE TABLE inbox_default PARTITION OF inbox DEFAULT;
COMMENT ON TABLE inbox_default IS 'Deliveries whose month has no partition.';
COMMENT ON COLUMN inbox.body IS 'What the vendor sent, untouched; evidence, never mapped.';
CALL isolate('inbox');
CALL isolate('inbox_default');

CREATE TABLE dictionaries (
  workspace_id  bigint NOT NULL,
  id            bigint GENERATED ALWAYS AS IDENTITY,
  connection_id bigint NOT NULL,
  object        text COLLATE "C" NOT NULL,
  content       bytea NOT NULL,
  created_at    timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (workspace_id, id)
);
COMMENT ON TABLE dictionaries IS 'Sample text that compresses records (zstd). Kept for as long as a record names it.';
COMMENT ON COLUMN dictionaries.object IS 'The vendor''s object whose records it was made from.';
CALL isolate('dictionaries');

CREATE TABLE records (
  workspace_id  bigint NOT NULL,
  connection_id bigint NOT NULL,
  object        text COLLATE "C" NOT NULL,
  external_id   text COLLATE "C" NOT NULL,
  parent        text COLLATE "C",
  shape         text COLLATE "C" NOT NULL,
  hash          bytea,
  dictionary_id bigint,
  raw           bytea,
  updated_at    timestamptz,
  fetched_at    timestamptz NOT NULL,
  first_seen_at timestamptz NOT NULL DEFAULT now(),
  deleted_at    timestamptz,
  deleted_why   text COLLATE "C",
  PRIMARY KEY (workspace_id, connection_id, object, external_id)
) WITH (toast_tuple_target = 8160, autovacuum_vacuum_insert_scale_factor = 0.4);
ALTER TABLE records ALTER raw SET STORAGE EXTERNAL;
COMMENT ON TABLE records IS 'What the vendor said, byte for byte: canonical rows can be rebuilt from here without the vendor.';
COMMENT ON COLUMN records.object IS 'The vendor''s object name.';
COMMENT ON COLUMN records.shape IS 'Which of the vendor''s shapes the bytes have.';
COMMENT ON COLUMN records.hash IS 'First 16 bytes of SHA-256 over the bytes: decides whether anything is new, before parsing.';
COMMENT ON COLUMN records.dictionary_id IS 'Dictionary the bytes were compressed with; null when stored plain.';
COMMENT ON COLUMN records.raw IS 'The vendor''s bytes, zstd with the dictionary; null when only a deletion is known.';
COMMENT ON COLUMN records.updated_at IS 'The vendor''s modification time: an older version never replaces a newer one.';
COMMENT ON COLUMN records.fetched_at IS 'When the request was sent whose answer held these bytes.';
COMMENT ON COLUMN records.deleted_at IS 'Tombstone: when we learnt, from a positive answer, that it is gone.';
COMMENT ON COLUMN records.deleted_why IS 'deleted, merged, or not visible.';
COMMENT ON COLUMN records.first_seen_at IS 'When we first stored it.';
CREATE INDEX records_parent ON records (workspace_id, connection_id, object, parent) WHERE parent IS NOT NULL;
COMMENT ON COLUMN records.parent IS 'External id of the record it was read under, for objects that are read parent by parent.';
CALL isolate('records');

CREATE TABLE parents_read (
  workspace_id  bigint NOT NULL,
  connection_id bigint NOT NULL,
  object        text COLLATE "C" NOT NULL,
  parent        text COLLATE "C" NOT NULL,
  read_at       timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (workspace_id, connection_id, object, parent)
);
COMMENT ON TABLE parents_read IS 'For objects that are read parent by parent when there is quota to spare: which parents have been read. The share of deals here is "history known for X %".';
COMMENT ON COLUMN parents_read.object IS 'The vendor''s object that was read.';
COMMENT ON COLUMN parents_read.parent IS 'External id of the record it was read under.';
CALL isolate('parents_read');

CREATE TABLE changes (
  workspace_id  bigint NOT NULL,
  id            bigint GENERATED BY DEFAULT AS IDENTITY,
  connection_id bigint NOT NULL,
  kind          text COLLATE "C" NOT NULL,
  external_id   text COLLATE "C" NOT NULL,
  at            timestamptz NOT NULL,
  seen_at       timestamptz NOT NULL DEFAULT now(),
  fields        jsonb NOT NULL,
  origin        text COLLATE "C" NOT NULL,
  PRIMARY KEY (workspace_id, id, seen_at)
) PARTITION BY RANGE (seen_at);
COMMENT ON TABLE changes IS 'Differences between one canonical row and the next. A first sight writes none. Partitioned by month; kept 25 months.';
COMMENT ON COLUMN changes.at IS 'The vendor''s modification time of the newer version, or when we saw it.';
COMMENT ON COLUMN changes.fields IS 'Per field {"old":…,"new":…}.';
COMMENT ON COLUMN changes.origin IS 'pull, receive, replay: which kind of job saw it.';
CREATE INDEX changes_of ON changes (workspace_id, connection_id, kind, external_id, seen_at);
CREATE TABLE changes_default PARTITION OF changes DEFAULT;
COMMENT ON TABLE changes_default IS 'Changes whose month has no partition.';
COMMENT ON COLUMN changes.kind IS 'Canonical kind, which is the table''s name.';
COMMENT ON COLUMN changes.seen_at IS 'When we noticed.';
CALL isolate('changes');
CALL isolate('changes_default');

CREATE TABLE dirty (
  workspace_id  bigint NOT NULL,
  connection_id bigint NOT NULL,
  kind          text COLLATE "C" NOT NULL,
  external_id   text COLLATE "C" NOT NULL,
  since         timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (workspace_id, connection_id, kind, external_id)
);
COMMENT ON TABLE dirty IS 'Subjects that must be judged anew. A row with kind "connections" stands for all subjects of that connection, after a first load.';
COMMENT ON COLUMN dirty.kind IS 'Canonical kind of the subject.';
COMMENT ON COLUMN dirty.since IS 'When it first became so, since it was last judged.';
CALL isolate('dirty');

CREATE TABLE leases (
  workspace_id bigint NOT NULL,
  kind         text COLLATE "C" NOT NULL,
  subject      text COLLATE "C" NOT NULL,
  holder       text NOT NULL,
  fence        bigint NOT NULL DEFAULT 1,
  until        timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, kind, subject)
);
COMMENT ON TABLE leases IS 'Who works on what. A holder that stops renewing loses it; every commit checks the fence.';
COMMENT ON COLUMN leases.fence IS 'Grows with each new holder: a commit under an older fence is refused.';
COMMENT ON COLUMN leases.kind IS 'Which kind of work.';
COMMENT ON COLUMN leases.subject IS 'On what, in words of that kind.';
COMMENT ON COLUMN leases.holder IS 'Process that works on it.';
COMMENT ON COLUMN leases.until IS 'When it passes to whoever asks, unless renewed before.';
CALL isolate('leases');

CREATE TABLE schedules (
  workspace_id  bigint NOT NULL REFERENCES workspaces (id),
  kind          text COLLATE "C" NOT NULL,
  connection_id bigint NOT NULL DEFAULT 0,
  every         interval NOT NULL,
  next_at       timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (workspace_id, kind, connection_id)
);
COMMENT ON TABLE schedules IS 'What is due when. The tick claims due rows and moves next_at on.';
COMMENT ON COLUMN schedules.connection_id IS '0 for what concerns the workspace as a whole.';
CREATE INDEX schedules_due ON schedules (next_at);
COMMENT ON COLUMN schedules.kind IS 'Which kind of job.';
COMMENT ON COLUMN schedules.every IS 'Time between two.';
COMMENT ON COLUMN schedules.next_at IS 'When the next is due.';
CALL isolate('schedules');

CREATE TABLE failures (
  workspace_id  bigint NOT NULL,
  id            bigint GENERATED ALWAYS AS IDENTITY,
  connection_id bigint NOT NULL DEFAULT 0,
  kind          text COLLATE "C" NOT NULL CHECK (kind IN ('record', 'job', 'delivery')),
  object        text COLLATE "C" NOT NULL,
  external_id   text COLLATE "C" NOT NULL,
  place         text NOT NULL DEFAULT '',
  reason        text NOT NULL,
  hint          text NOT NULL DEFAULT '',
  args          jsonb NOT NULL DEFAULT '{}',
  first_at      timestamptz NOT NULL DEFAULT now(),
  last_at       timestamptz NOT NULL DEFAULT now(),
  times         bigint NOT NULL DEFAULT 1,
  resolved_at   timestamptz,
  PRIMARY KEY (workspace_id, id)
);
COMMENT ON TABLE failures IS 'Dead letters: records that could not be mapped, jobs that were given up, deliveries that named nothing readable. Nothing is lost; each can be retried.';
COMMENT ON COLUMN failures.kind IS 'What failed: a record that could not be mapped, a job that was given up, a delivery that named nothing readable.';
COMMENT ON COLUMN failures.object IS 'For a record the vendor''s object, for a job its kind.';
COMMENT ON COLUMN failures.place IS 'Field, line or step at which it failed.';
COMMENT ON COLUMN failures.times IS 'How often it has failed since first_at.';
CREATE UNIQUE INDEX failures_open ON failures (workspace_id, connection_id, kind, object, external_id) WHERE resolved_at IS NULL;
COMMENT ON COLUMN failures.hint IS 'What a person can do; may be empty.';
COMMENT ON COLUMN failures.args IS 'What it takes to try again; ids, never content.';
COMMENT ON COLUMN failures.resolved_at IS 'When a later try succeeded or a person dismissed it.';
CALL isolate('failures');

CREATE TABLE audit (
  workspace_id bigint NOT NULL,
  id           bigint GENERATED ALWAYS AS IDENTITY,
  at           timestamptz NOT NULL DEFAULT now(),
  actor        text NOT NULL,
  action       text COLLATE "C" NOT NULL,
  subject      text NOT NULL,
  details      jsonb NOT NULL DEFAULT '{}',
  PRIMARY KEY (workspace_id, id)
);
COMMENT ON TABLE audit IS 'Who changed which setting, when. Never updated or deleted by the application.';
COMMENT ON COLUMN audit.details IS 'Before and after, without secrets.';
COMMENT ON COLUMN audit.actor IS 'Member, or the command of whoever had the machine.';
COMMENT ON COLUMN audit.action IS 'What was done, verb first.';
COMMENT ON COLUMN audit.subject IS 'To what.';
CALL isolate('audit');
REVOKE UPDATE, DELETE ON audit FROM salesbook_app;

-- +goose Down
SELECT 1;
