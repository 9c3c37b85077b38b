-- What is written back to the CRM: edits that are wanted, what they replaced, what came of them, and how far writing is allowed.

-- +goose Up
ALTER TABLE connections
  ADD COLUMN writes text COLLATE "C" NOT NULL DEFAULT 'dry' CHECK (writes IN ('dry', 'live', 'stopped')),
  ADD COLUMN writes_why text NOT NULL DEFAULT '',
  ADD COLUMN writes_by text NOT NULL DEFAULT '',
  ADD COLUMN writes_at timestamptz NOT NULL DEFAULT now(),
  ADD COLUMN writes_hourly integer NOT NULL DEFAULT 1000 CHECK (writes_hourly > 0),
  ADD COLUMN writes_share integer NOT NULL DEFAULT 10 CHECK (writes_share BETWEEN 1 AND 100),
  ADD COLUMN card_field text COLLATE "C";
COMMENT ON COLUMN connections.writes IS 'dry: edits are only shown; live: they are made; stopped: none is, until a person says so.';
COMMENT ON COLUMN connections.writes_why IS 'Why writing was stopped, in words.';
COMMENT ON COLUMN connections.writes_by IS 'Who set it so; salesbook for a ceiling that was reached.';
COMMENT ON COLUMN connections.writes_at IS 'When it was set so; ceilings count from then on.';
COMMENT ON COLUMN connections.writes_hourly IS 'Ceiling of edits in an hour.';
COMMENT ON COLUMN connections.writes_share IS 'Ceiling of open deals, in percent, that are changed in a day by more than their card.';
COMMENT ON COLUMN connections.card_field IS 'The vendor''s code of the deals'' field "Sales Book: what is missing"; null: there is none.';

CREATE TABLE edits (
  workspace_id  bigint NOT NULL,
  id            bigint GENERATED ALWAYS AS IDENTITY,
  connection_id bigint NOT NULL,
  kind          text COLLATE "C" NOT NULL,
  external_id   text COLLATE "C" NOT NULL,
  what          text COLLATE "C" NOT NULL,
  key           text COLLATE "C" NOT NULL,
  target_kind   text COLLATE "C" NOT NULL,
  target_id     text COLLATE "C",
  wanted        jsonb NOT NULL,
  note          text NOT NULL DEFAULT '',
  cause         jsonb NOT NULL DEFAULT '{}',
  before        jsonb,
  after         jsonb,
  lost          jsonb,
  state         text COLLATE "C" NOT NULL CHECK (state IN ('dry', 'asked', 'ready', 'sent', 'done', 'refused', 'overtaken', 'cancelled')),
  why           text NOT NULL DEFAULT '',
  mark          text COLLATE "C" NOT NULL,
  attempts      integer NOT NULL DEFAULT 0,
  made_at       timestamptz NOT NULL DEFAULT now(),
  not_before    timestamptz,
  approved_at   timestamptz,
  approved_by   text,
  sent_at       timestamptz,
  done_at       timestamptz,
  version_at    timestamptz,
  echoed_at     timestamptz,
  checked_at    timestamptz,
  undoes        bigint,
  PRIMARY KEY (workspace_id, id)
);
COMMENT ON TABLE edits IS 'Every change that salesbook wants of a CRM, or has made. Kept: it is the audit of what we wrote, and tells our own writing from people''s.';
COMMENT ON COLUMN edits.kind IS 'Canonical kind of what it is about: deals, leads; empty for the set-up of the CRM.';
COMMENT ON COLUMN edits.external_id IS 'The vendor''s id of what it is about.';
COMMENT ON COLUMN edits.what IS 'card, task, activity, revert, note, restore, undo or setup.';
COMMENT ON COLUMN edits.key IS 'What has one key has one effect: only one edit of a key is open.';
COMMENT ON COLUMN edits.target_kind IS 'Canonical kind of the record that is written.';
COMMENT ON COLUMN edits.target_id IS 'The vendor''s id of the record that is written; null: a new one, not made yet.';
COMMENT ON COLUMN edits.wanted IS 'Canonical fields and the values that they shall hold; custom fields as custom.CODE.';
COMMENT ON COLUMN edits.cause IS 'Rule, detail and instant of the violation, and what it undoes.';
COMMENT ON COLUMN edits.note IS 'HTML of the note that is made in the transaction of its receipt; empty: none is.';
COMMENT ON COLUMN edits.before IS 'The same fields as they were when it was wanted, and from the call on as they were read just before; null: it makes a new record.';
COMMENT ON COLUMN edits.after IS 'The same fields as the vendor''s answer has them.';
COMMENT ON COLUMN edits.lost IS 'Values of a person''s change that came between and was written over; null: none was.';
COMMENT ON COLUMN edits.state IS 'dry: only shown; asked: waits for a person; ready: waits for its turn; sent: the call was made or is being made; done, refused by the vendor, overtaken by a person''s change, cancelled.';
COMMENT ON COLUMN edits.why IS 'Why it came to this, in words; empty while nothing is odd.';
COMMENT ON COLUMN edits.mark IS 'Stands in a record that the edit makes, so that it is known again.';
COMMENT ON COLUMN edits.made_at IS 'When it was first wanted.';
COMMENT ON COLUMN edits.attempts IS 'How often the call was made.';
COMMENT ON COLUMN edits.not_before IS 'When it is tried again at the earliest; null: at once.';
COMMENT ON COLUMN edits.approved_at IS 'When somebody agreed.';
COMMENT ON COLUMN edits.approved_by IS 'Who agreed.';
COMMENT ON COLUMN edits.sent_at IS 'When the intent to call was written down.';
COMMENT ON COLUMN edits.done_at IS 'When the receipt was written down, or it came to another end.';
COMMENT ON COLUMN edits.version_at IS 'The vendor''s time of change that its answer told.';
COMMENT ON COLUMN edits.echoed_at IS 'When our own change was recognised as it came back; null: not yet.';
COMMENT ON COLUMN edits.checked_at IS 'When it was looked up what it has replaced; null: not yet.';
COMMENT ON COLUMN edits.undoes IS 'The edit that this one takes back.';
CREATE UNIQUE INDEX edits_open ON edits (workspace_id, connection_id, kind, external_id, key) WHERE state IN ('dry', 'asked', 'ready', 'sent');
CREATE INDEX edits_about ON edits (workspace_id, connection_id, kind, external_id, id);
CREATE INDEX edits_target ON edits (workspace_id, connection_id, target_kind, target_id);
CREATE INDEX edits_waiting ON edits (workspace_id, connection_id, id) WHERE state IN ('ready', 'sent');
CREATE INDEX edits_done ON edits (workspace_id, connection_id, done_at) WHERE state = 'done';
CREATE INDEX edits_sent ON edits (workspace_id, connection_id, sent_at) WHERE sent_at IS NOT NULL;
CREATE INDEX edits_unchecked ON edits (workspace_id, connection_id, id) WHERE state = 'done' AND checked_at IS NULL;
CREATE UNIQUE INDEX edits_mark ON edits (workspace_id, mark);
CALL isolate('edits');

CREATE TABLE rollouts (
  workspace_id bigint NOT NULL,
  rule         text COLLATE "C" NOT NULL,
  mode         text COLLATE "C" NOT NULL CHECK (mode IN ('tell', 'task', 'revert')),
  since        timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, rule, mode)
);
COMMENT ON TABLE rollouts IS 'Since when the books in force have had a rule in a mode, without a break: what broke before is the backlog, of which nobody is told.';
COMMENT ON COLUMN rollouts.rule IS 'A rule of salesbook''s own or of the book.';
COMMENT ON COLUMN rollouts.mode IS 'tell, task or revert.';
COMMENT ON COLUMN rollouts.since IS 'When the first of those books was put in force.';
CALL isolate('rollouts');

ALTER TABLE changes ADD COLUMN edit_id bigint;
COMMENT ON COLUMN changes.edit_id IS 'The edit of ours that brought the change about; null: somebody else did.';
ALTER TABLE deal_stages ADD COLUMN edit_id bigint;
COMMENT ON COLUMN deal_stages.edit_id IS 'The edit of ours that moved the deal; null: somebody else did.';

ALTER TABLE failures DROP CONSTRAINT failures_kind_check, ADD CONSTRAINT failures_kind_check CHECK (kind IN ('record', 'job', 'delivery', 'edit'));
COMMENT ON COLUMN failures.kind IS 'What failed: a record that could not be mapped, a job that was given up, a delivery that named nothing readable, an edit that the vendor refused.';

INSERT INTO schedules (workspace_id, kind, connection_id, every) SELECT workspace_id, 'push', id, interval '30 seconds' FROM connections ON CONFLICT DO NOTHING;
COMMENT ON COLUMN changes.origin IS 'pull, receive, history, replay, sweep, push: which kind of job saw it.';

-- +goose Down
SELECT 1;
