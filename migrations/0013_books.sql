-- The sales book that is in force, what it says of each deal and lead, and when that may change by itself.

-- +goose Up
CREATE TABLE books (
  workspace_id bigint NOT NULL REFERENCES workspaces (id),
  version      integer NOT NULL,
  name         text NOT NULL,
  text         text NOT NULL,
  active_at    timestamptz NOT NULL DEFAULT now(),
  active_by    text NOT NULL,
  PRIMARY KEY (workspace_id, version)
);
COMMENT ON TABLE books IS 'Every sales book that was ever in force; the one with the highest version is.';
COMMENT ON COLUMN books.version IS 'Counts from 1; the highest is in force.';
COMMENT ON COLUMN books.active_at IS 'When it was put in force.';
COMMENT ON COLUMN books.text IS 'The book as it was written.';
COMMENT ON COLUMN books.active_by IS 'Who put it in force.';
CALL isolate('books');

CREATE TABLE judgements (
  workspace_id  bigint NOT NULL,
  connection_id bigint NOT NULL,
  kind          text COLLATE "C" NOT NULL,
  external_id   text COLLATE "C" NOT NULL,
  book          integer NOT NULL,
  judged_at     timestamptz NOT NULL,
  due_at        timestamptz,
  PRIMARY KEY (workspace_id, connection_id, kind, external_id)
);
COMMENT ON TABLE judgements IS 'When each deal and lead was last judged, by which book, and when time alone may change that.';
COMMENT ON COLUMN judgements.kind IS 'Canonical kind of the subject.';
COMMENT ON COLUMN judgements.judged_at IS 'As of when it was judged.';
COMMENT ON COLUMN judgements.book IS 'Version of the book.';
COMMENT ON COLUMN judgements.due_at IS 'Null: never, or it is being judged again.';
CREATE INDEX judgements_due ON judgements (workspace_id, due_at) WHERE due_at IS NOT NULL;
CALL isolate('judgements');

CREATE TABLE violations (
  workspace_id  bigint NOT NULL,
  id            bigint GENERATED ALWAYS AS IDENTITY,
  connection_id bigint NOT NULL,
  kind          text COLLATE "C" NOT NULL,
  external_id   text COLLATE "C" NOT NULL,
  rule          text COLLATE "C" NOT NULL,
  detail        text COLLATE "C" NOT NULL,
  opened_at     timestamptz NOT NULL,
  book          integer NOT NULL,
  cannot        text,
  assumed       boolean NOT NULL,
  place         text COLLATE "C" NOT NULL,
  owner         text NOT NULL,
  noticed_at    timestamptz NOT NULL DEFAULT now(),
  mended_at     timestamptz,
  closed_at     timestamptz,
  excused_until timestamptz,
  excused_by    text,
  excused_why   text,
  PRIMARY KEY (workspace_id, id),
  UNIQUE (workspace_id, connection_id, kind, external_id, rule, detail, opened_at)
);
COMMENT ON TABLE violations IS 'Rules of the book that are or were broken. What exactly was found is judged again when it is asked for, so that no client''s data stands here.';
COMMENT ON COLUMN violations.kind IS 'Canonical kind of the subject.';
COMMENT ON COLUMN violations.rule IS 'A rule of salesbook''s own, or the id of a commandment or condition of the book.';
COMMENT ON COLUMN violations.detail IS 'Which of several: funnel/stage, and the task, reason or number of the condition.';
COMMENT ON COLUMN violations.opened_at IS 'When the rule broke, not when it was noticed.';
COMMENT ON COLUMN violations.book IS 'Version of the book that first said so.';
COMMENT ON COLUMN violations.cannot IS 'Why it cannot be judged; null: it was.';
COMMENT ON COLUMN violations.assumed IS 'Judged on later values, since those of that time are not known.';
COMMENT ON COLUMN violations.place IS 'Where the subject stands, as funnel/stage; empty: the book does not have it.';
COMMENT ON COLUMN violations.owner IS 'Address of the rep; empty: nobody.';
COMMENT ON COLUMN violations.noticed_at IS 'When it was first seen.';
COMMENT ON COLUMN violations.mended_at IS 'When what was missing was there.';
COMMENT ON COLUMN violations.closed_at IS 'When the book no longer said so: the subject ended, or the book or a fact is another.';
COMMENT ON COLUMN violations.excused_until IS 'Until when somebody lets it pass; null: nobody does.';
COMMENT ON COLUMN violations.excused_by IS 'Who lets it pass.';
COMMENT ON COLUMN violations.excused_why IS 'The reason given.';
CREATE INDEX violations_open ON violations (workspace_id, rule, opened_at) WHERE mended_at IS NULL AND closed_at IS NULL;
CALL isolate('violations');

CREATE TABLE snoozes (
  workspace_id  bigint NOT NULL,
  id            bigint GENERATED ALWAYS AS IDENTITY,
  connection_id bigint NOT NULL,
  kind          text COLLATE "C" NOT NULL,
  external_id   text COLLATE "C" NOT NULL,
  from_at       timestamptz NOT NULL DEFAULT now(),
  until_at      timestamptz NOT NULL CHECK (until_at >= from_at),
  made_by       text NOT NULL,
  why           text NOT NULL CHECK (why <> ''),
  PRIMARY KEY (workspace_id, id)
);
COMMENT ON TABLE snoozes IS 'Decisions of people that a deal or lead waits, so that it does not hang meanwhile.';
COMMENT ON COLUMN snoozes.kind IS 'Canonical kind of the subject.';
COMMENT ON COLUMN snoozes.from_at IS 'When it was decided.';
COMMENT ON COLUMN snoozes.until_at IS 'When it goes on.';
COMMENT ON COLUMN snoozes.made_by IS 'Who decided.';
COMMENT ON COLUMN snoozes.why IS 'The reason given.';
CREATE INDEX snoozes_of ON snoozes (workspace_id, connection_id, kind, external_id);
CALL isolate('snoozes');

-- +goose Down
SELECT 1;
