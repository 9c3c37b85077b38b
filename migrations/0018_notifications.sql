-- Who is told what: channels by which people are reached, what they are to be told, and what became of each message.

-- +goose Up
CREATE TABLE mail_servers (
  workspace_id bigint PRIMARY KEY REFERENCES workspaces (id),
  host         text NOT NULL,
  port         integer NOT NULL CHECK (port BETWEEN 1 AND 65535),
  username     text NOT NULL DEFAULT '',
  sealed       bytea,
  key_id       bigint NOT NULL DEFAULT 0,
  sender       text NOT NULL,
  tls          text COLLATE "C" NOT NULL CHECK (tls IN ('starttls', 'tls', 'none')),
  heads        boolean NOT NULL DEFAULT true,
  reps         boolean NOT NULL DEFAULT false,
  state        text COLLATE "C" NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'stopped')),
  why          text NOT NULL DEFAULT '',
  set_at       timestamptz NOT NULL DEFAULT now(),
  set_by       text NOT NULL DEFAULT ''
);
COMMENT ON TABLE mail_servers IS 'The mail server by which a company''s messages go out.';
COMMENT ON COLUMN mail_servers.host IS 'Its name or number.';
COMMENT ON COLUMN mail_servers.port IS 'Its port.';
COMMENT ON COLUMN mail_servers.username IS 'Who logs in there; empty: nobody has to.';
COMMENT ON COLUMN mail_servers.tls IS 'starttls: encrypted after a greeting; tls: from the first byte on; none: never.';
COMMENT ON COLUMN mail_servers.set_at IS 'When it was set so.';
COMMENT ON COLUMN mail_servers.set_by IS 'Who set it so.';
COMMENT ON COLUMN mail_servers.sealed IS 'The password, encrypted; null: the server asks for none.';
COMMENT ON COLUMN mail_servers.key_id IS 'Which key of the key file sealed it; 0: nothing is sealed.';
COMMENT ON COLUMN mail_servers.sender IS 'Address that mails come from.';
COMMENT ON COLUMN mail_servers.heads IS 'Heads, and whom the book names, are written to at their address unless they have a channel.';
COMMENT ON COLUMN mail_servers.reps IS 'So are reps.';
COMMENT ON COLUMN mail_servers.why IS 'Why nothing is sent, in words; empty while it is.';
CALL isolate('mail_servers');

CREATE TABLE channels (
  workspace_id bigint NOT NULL,
  id           bigint GENERATED ALWAYS AS IDENTITY,
  address      text COLLATE "C" NOT NULL,
  kind         text COLLATE "C" NOT NULL CHECK (kind IN ('email', 'slack', 'telegram', 'webhook')),
  target       text NOT NULL,
  sealed       bytea,
  key_id       bigint NOT NULL DEFAULT 0,
  language     text COLLATE "C" NOT NULL DEFAULT '',
  zone         text NOT NULL DEFAULT '',
  quiet_from   integer NOT NULL CHECK (quiet_from BETWEEN 0 AND 1439),
  quiet_to     integer NOT NULL CHECK (quiet_to BETWEEN 0 AND 1439),
  digest       boolean NOT NULL,
  instant      boolean NOT NULL,
  state        text COLLATE "C" NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'stopped')),
  why          text NOT NULL DEFAULT '',
  made_at      timestamptz NOT NULL DEFAULT now(),
  made_by      text NOT NULL DEFAULT '',
  PRIMARY KEY (workspace_id, id)
);
COMMENT ON TABLE channels IS 'By what a person or team is told. Who has none is written to at the address, if there is a mail server.';
COMMENT ON COLUMN channels.address IS 'Whom it serves: an e-mail address as the book has it, in small letters, or team: and the id of a team.';
COMMENT ON COLUMN channels.kind IS 'email, slack, telegram or webhook.';
COMMENT ON COLUMN channels.made_at IS 'When it was added.';
COMMENT ON COLUMN channels.made_by IS 'Who added it.';
COMMENT ON COLUMN channels.target IS 'Where it leads, without a secret: an address, a chat, or the host of a webhook.';
COMMENT ON COLUMN channels.sealed IS 'Its secrets, encrypted; null: it has none.';
COMMENT ON COLUMN channels.key_id IS 'Which key of the key file sealed it; 0: nothing is sealed.';
COMMENT ON COLUMN channels.language IS 'Language of messages; empty: the book''s.';
COMMENT ON COLUMN channels.zone IS 'Time zone of whom it serves; empty: that of his calendar in the book.';
COMMENT ON COLUMN channels.quiet_from IS 'When quiet hours begin, in minutes from midnight; never if they end then.';
COMMENT ON COLUMN channels.quiet_to IS 'When they end.';
COMMENT ON COLUMN channels.digest IS 'It takes the digest of the morning.';
COMMENT ON COLUMN channels.instant IS 'It takes what is told at once.';
COMMENT ON COLUMN channels.state IS 'stopped: nothing is sent until somebody sets the channel anew.';
COMMENT ON COLUMN channels.why IS 'Why it was stopped, in words.';
CREATE INDEX channels_of ON channels (workspace_id, address);
CALL isolate('channels');

CREATE TABLE notifications (
  workspace_id  bigint NOT NULL,
  id            bigint GENERATED ALWAYS AS IDENTITY,
  address       text COLLATE "C" NOT NULL,
  occasion      text COLLATE "C" NOT NULL,
  key           text COLLATE "C" NOT NULL,
  connection_id bigint,
  kind          text COLLATE "C" NOT NULL DEFAULT '',
  external_id   text COLLATE "C" NOT NULL DEFAULT '',
  rule          text COLLATE "C" NOT NULL DEFAULT '',
  detail        text NOT NULL DEFAULT '',
  opened_at     timestamptz,
  made_at       timestamptz NOT NULL DEFAULT now(),
  not_before    timestamptz,
  state         text COLLATE "C" NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'going', 'sent', 'failed', 'dropped')),
  why           text NOT NULL DEFAULT '',
  done_at       timestamptz,
  PRIMARY KEY (workspace_id, id),
  UNIQUE (workspace_id, address, key)
);
COMMENT ON TABLE notifications IS 'What somebody is to be told, once. It holds ids alone: the words are found when it is sent.';
COMMENT ON COLUMN notifications.address IS 'Who is told, see channels.';
COMMENT ON COLUMN notifications.occasion IS 'digest, or why it is told at once.';
COMMENT ON COLUMN notifications.key IS 'What has one key is told once to each; of a digest digest/ and the day.';
COMMENT ON COLUMN notifications.connection_id IS 'Through which it came; null: it is about no deal or lead.';
COMMENT ON COLUMN notifications.kind IS 'Canonical kind of what it is about: deals or leads.';
COMMENT ON COLUMN notifications.rule IS 'Rule of the violation that it is about.';
COMMENT ON COLUMN notifications.detail IS 'Detail of that violation.';
COMMENT ON COLUMN notifications.opened_at IS 'When that rule was broken.';
COMMENT ON COLUMN notifications.made_at IS 'When it was first wanted.';
COMMENT ON COLUMN notifications.not_before IS 'When it may be told at the earliest; null: that was not looked at yet.';
COMMENT ON COLUMN notifications.state IS 'waiting; going: messages were made of it; sent by one channel at least; failed by all; dropped: there was nothing to say any more, or nobody to say it to.';
COMMENT ON COLUMN notifications.why IS 'Why it failed or was dropped, in words.';
COMMENT ON COLUMN notifications.done_at IS 'When it came to its end.';
CREATE INDEX notifications_open ON notifications (workspace_id, address, id) WHERE state IN ('waiting', 'going');
CREATE INDEX notifications_latest ON notifications (workspace_id, address, made_at) WHERE occasion = 'digest';
CREATE INDEX notifications_about ON notifications (workspace_id, connection_id);
CALL isolate('notifications');

CREATE TABLE messages (
  workspace_id bigint NOT NULL,
  id           bigint GENERATED ALWAYS AS IDENTITY,
  address      text COLLATE "C" NOT NULL,
  channel_id   bigint NOT NULL,
  kind         text COLLATE "C" NOT NULL,
  about        bigint[] NOT NULL,
  mark         text COLLATE "C" NOT NULL DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 24),
  state        text COLLATE "C" NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'going', 'sent', 'failed', 'dropped')),
  attempts     integer NOT NULL DEFAULT 0,
  unsure       integer NOT NULL DEFAULT 0,
  made_at      timestamptz NOT NULL DEFAULT now(),
  next_at      timestamptz NOT NULL,
  tried_at     timestamptz,
  done_at      timestamptz,
  vendor_id    text NOT NULL DEFAULT '',
  why          text NOT NULL DEFAULT '',
  PRIMARY KEY (workspace_id, id)
);
COMMENT ON TABLE messages IS 'A message to one person by one channel, and what became of it. Several things that wait go in one.';
COMMENT ON COLUMN messages.address IS 'Who is told, see channels.';
COMMENT ON COLUMN messages.made_at IS 'When it was put together.';
COMMENT ON COLUMN messages.channel_id IS 'By which channel; 0: a mail to the address itself.';
COMMENT ON COLUMN messages.kind IS 'Kind of the channel.';
COMMENT ON COLUMN messages.about IS 'The notifications that it tells of.';
COMMENT ON COLUMN messages.mark IS 'By which it is known again if it is sent twice: its Message-ID, its idempotency key.';
COMMENT ON COLUMN messages.state IS 'waiting for its turn; going: it was sent or is being sent; sent, failed, dropped.';
COMMENT ON COLUMN messages.attempts IS 'How often it was handed over.';
COMMENT ON COLUMN messages.unsure IS 'How often we ended before we knew what came of it.';
COMMENT ON COLUMN messages.next_at IS 'When it is tried; of one that is going, from when on whoever sends it has ended.';
COMMENT ON COLUMN messages.tried_at IS 'When it was last handed over.';
COMMENT ON COLUMN messages.vendor_id IS 'What the other side calls it.';
COMMENT ON COLUMN messages.why IS 'What was last said against it, in words; empty: nothing.';
CREATE INDEX messages_due ON messages (workspace_id, next_at, id) WHERE state IN ('waiting', 'going');
CREATE INDEX messages_of ON messages (workspace_id, address, id);
CALL isolate('messages');

ALTER TABLE failures DROP CONSTRAINT failures_kind_check;
ALTER TABLE failures ADD CONSTRAINT failures_kind_check CHECK (kind IN ('record', 'job', 'delivery', 'edit', 'fight', 'notification'));
COMMENT ON COLUMN failures.kind IS 'What failed: a record that could not be mapped, a job that was given up, a delivery that named nothing readable, an edit that the CRM refused, something that somebody changes back each time, a notification that reached nobody.';
COMMENT ON COLUMN failures.object IS 'For a record the vendor''s object, for a job its kind, for a notification the kind of its channel.';
COMMENT ON COLUMN retention.what IS 'changes, deliveries, failures, notifications, proofs, runs or violations.';

-- +goose Down
SELECT 1;
