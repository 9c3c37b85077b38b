-- One table per canonical kind of internal/sales/kinds.go; a test holds the two together.
-- References between synced records are external ids without foreign keys: pages arrive in any order.

-- +goose Up

CREATE TABLE reps (
  workspace_id  bigint NOT NULL,
  connection_id bigint NOT NULL,
  external_id   text COLLATE "C" NOT NULL,
  name text NOT NULL,
  email text,
  phone text,
  active boolean NOT NULL,
  admin boolean,
  locale text,
  zone text,
  added_at timestamptz,
  updated_at timestamptz,
  last_login_at timestamptz,
  map_version   bigint NOT NULL,
  first_seen_at timestamptz NOT NULL DEFAULT now(),
  changed_at    timestamptz NOT NULL DEFAULT now(),
  deleted_at    timestamptz,
  deleted_why   text COLLATE "C",
  PRIMARY KEY (workspace_id, connection_id, external_id)
) WITH (toast_tuple_target = 8160);
COMMENT ON TABLE reps IS 'Users of the CRM: those who own deals, also the ones who left.';
COMMENT ON COLUMN reps.name IS 'Full name.';
COMMENT ON COLUMN reps.email IS 'Address, lower case; matches a rep across systems.';
COMMENT ON COLUMN reps.phone IS 'As written.';
COMMENT ON COLUMN reps.active IS 'False once the rep left or was deactivated.';
COMMENT ON COLUMN reps.admin IS 'Administers the CRM.';
COMMENT ON COLUMN reps.locale IS 'Language and country.';
COMMENT ON COLUMN reps.zone IS 'IANA time zone.';
CALL isolate('reps');

CREATE TABLE fields (
  workspace_id  bigint NOT NULL,
  connection_id bigint NOT NULL,
  external_id   text COLLATE "C" NOT NULL,
  object text NOT NULL,
  code text NOT NULL,
  name text NOT NULL,
  type text NOT NULL,
  custom boolean NOT NULL,
  required jsonb,
  options jsonb,
  added_at timestamptz,
  updated_at timestamptz,
  map_version   bigint NOT NULL,
  first_seen_at timestamptz NOT NULL DEFAULT now(),
  changed_at    timestamptz NOT NULL DEFAULT now(),
  deleted_at    timestamptz,
  deleted_why   text COLLATE "C",
  PRIMARY KEY (workspace_id, connection_id, external_id)
) WITH (toast_tuple_target = 8160);
COMMENT ON TABLE fields IS 'Definitions of the vendor''s fields, with their options; explain custom documents.';
COMMENT ON COLUMN fields.object IS 'Canonical kind the field belongs to.';
COMMENT ON COLUMN fields.code IS 'The vendor''s key of the field.';
COMMENT ON COLUMN fields.name IS 'Human name; not unique.';
COMMENT ON COLUMN fields.type IS 'The vendor''s type of the field.';
COMMENT ON COLUMN fields.custom IS 'Made by the account, not by the vendor.';
COMMENT ON COLUMN fields.required IS 'When the CRM''s own pages demand it.';
COMMENT ON COLUMN fields.options IS 'Array of {id, label, deleted}; deleted options keep their last label.';
CALL isolate('fields');

CREATE TABLE activity_types (
  workspace_id  bigint NOT NULL,
  connection_id bigint NOT NULL,
  external_id   text COLLATE "C" NOT NULL,
  code text NOT NULL,
  name text NOT NULL,
  active boolean,
  custom boolean,
  map_version   bigint NOT NULL,
  first_seen_at timestamptz NOT NULL DEFAULT now(),
  changed_at    timestamptz NOT NULL DEFAULT now(),
  deleted_at    timestamptz,
  deleted_why   text COLLATE "C",
  PRIMARY KEY (workspace_id, connection_id, external_id)
) WITH (toast_tuple_target = 8160);
COMMENT ON TABLE activity_types IS 'Kinds of activities: call, meeting and what the account added.';
COMMENT ON COLUMN activity_types.code IS 'What an activity''s type holds.';
CALL isolate('activity_types');

CREATE TABLE pipelines (
  workspace_id  bigint NOT NULL,
  connection_id bigint NOT NULL,
  external_id   text COLLATE "C" NOT NULL,
  name text NOT NULL,
  position bigint,
  probability_enabled boolean,
  added_at timestamptz,
  updated_at timestamptz,
  map_version   bigint NOT NULL,
  first_seen_at timestamptz NOT NULL DEFAULT now(),
  changed_at    timestamptz NOT NULL DEFAULT now(),
  deleted_at    timestamptz,
  deleted_why   text COLLATE "C",
  PRIMARY KEY (workspace_id, connection_id, external_id)
) WITH (toast_tuple_target = 8160);
COMMENT ON TABLE pipelines IS 'Funnels as the CRM has them.';
COMMENT ON COLUMN pipelines.position IS 'Order among pipelines.';
COMMENT ON COLUMN pipelines.probability_enabled IS 'Deals of this pipeline carry a probability.';
CALL isolate('pipelines');

CREATE TABLE stages (
  workspace_id  bigint NOT NULL,
  connection_id bigint NOT NULL,
  external_id   text COLLATE "C" NOT NULL,
  pipeline_id text COLLATE "C" NOT NULL,
  name text NOT NULL,
  position bigint,
  probability numeric,
  rot_days bigint,
  added_at timestamptz,
  updated_at timestamptz,
  map_version   bigint NOT NULL,
  first_seen_at timestamptz NOT NULL DEFAULT now(),
  changed_at    timestamptz NOT NULL DEFAULT now(),
  deleted_at    timestamptz,
  deleted_why   text COLLATE "C",
  PRIMARY KEY (workspace_id, connection_id, external_id)
) WITH (toast_tuple_target = 8160);
COMMENT ON TABLE stages IS 'Steps of a pipeline; they carry no outcome.';
COMMENT ON COLUMN stages.position IS 'Order within the pipeline.';
COMMENT ON COLUMN stages.probability IS 'Percent, 0 to 100, as the CRM assumes it.';
COMMENT ON COLUMN stages.rot_days IS 'Days without a change after which the CRM calls a deal rotten; null when off.';
CALL isolate('stages');

CREATE TABLE companies (
  workspace_id  bigint NOT NULL,
  connection_id bigint NOT NULL,
  external_id   text COLLATE "C" NOT NULL,
  name text NOT NULL,
  owner_id text COLLATE "C",
  address text,
  country text,
  labels text[],
  added_at timestamptz,
  updated_at timestamptz,
  custom jsonb,
  map_version   bigint NOT NULL,
  first_seen_at timestamptz NOT NULL DEFAULT now(),
  changed_at    timestamptz NOT NULL DEFAULT now(),
  deleted_at    timestamptz,
  deleted_why   text COLLATE "C",
  PRIMARY KEY (workspace_id, connection_id, external_id)
) WITH (toast_tuple_target = 8160);
COMMENT ON TABLE companies IS 'Organizations that buy.';
COMMENT ON COLUMN companies.address IS 'As written.';
COMMENT ON COLUMN companies.country IS 'As the vendor names it.';
COMMENT ON COLUMN companies.labels IS 'Ids of the vendor''s labels.';
CALL isolate('companies');

CREATE TABLE people (
  workspace_id  bigint NOT NULL,
  connection_id bigint NOT NULL,
  external_id   text COLLATE "C" NOT NULL,
  name text NOT NULL,
  first_name text,
  last_name text,
  owner_id text COLLATE "C",
  company_id text COLLATE "C",
  job_title text,
  emails text[],
  phones text[],
  phones_written text[],
  labels text[],
  added_at timestamptz,
  updated_at timestamptz,
  custom jsonb,
  map_version   bigint NOT NULL,
  first_seen_at timestamptz NOT NULL DEFAULT now(),
  changed_at    timestamptz NOT NULL DEFAULT now(),
  deleted_at    timestamptz,
  deleted_why   text COLLATE "C",
  PRIMARY KEY (workspace_id, connection_id, external_id)
) WITH (toast_tuple_target = 8160);
COMMENT ON TABLE people IS 'Contacts: people who decide, pay or use.';
COMMENT ON COLUMN people.emails IS 'Lower case, the primary one first.';
COMMENT ON COLUMN people.phones IS 'E.164 where the number can be read, the primary one first.';
COMMENT ON COLUMN people.phones_written IS 'The same numbers as the CRM has them.';
COMMENT ON COLUMN people.labels IS 'Ids of the vendor''s labels.';
CALL isolate('people');

CREATE TABLE products (
  workspace_id  bigint NOT NULL,
  connection_id bigint NOT NULL,
  external_id   text COLLATE "C" NOT NULL,
  name text NOT NULL,
  code text,
  category text,
  unit text,
  tax numeric,
  prices jsonb,
  active boolean,
  owner_id text COLLATE "C",
  added_at timestamptz,
  updated_at timestamptz,
  custom jsonb,
  map_version   bigint NOT NULL,
  first_seen_at timestamptz NOT NULL DEFAULT now(),
  changed_at    timestamptz NOT NULL DEFAULT now(),
  deleted_at    timestamptz,
  deleted_why   text COLLATE "C",
  PRIMARY KEY (workspace_id, connection_id, external_id)
) WITH (toast_tuple_target = 8160);
COMMENT ON TABLE products IS 'What is sold.';
COMMENT ON COLUMN products.code IS 'Article number.';
COMMENT ON COLUMN products.unit IS 'What a quantity counts.';
COMMENT ON COLUMN products.tax IS 'Percent.';
COMMENT ON COLUMN products.prices IS 'Array of {currency, price, cost}.';
CALL isolate('products');

CREATE TABLE deals (
  workspace_id  bigint NOT NULL,
  connection_id bigint NOT NULL,
  external_id   text COLLATE "C" NOT NULL,
  title text NOT NULL,
  status text COLLATE "C" NOT NULL,
  pipeline_id text COLLATE "C",
  stage_id text COLLATE "C",
  owner_id text COLLATE "C",
  creator_id text COLLATE "C",
  person_id text COLLATE "C",
  company_id text COLLATE "C",
  amount numeric,
  currency text,
  amount_minor bigint,
  probability numeric,
  lost_reason text,
  archived boolean NOT NULL,
  stage_entered_at timestamptz,
  added_at timestamptz,
  updated_at timestamptz,
  closed_at timestamptz,
  won_at timestamptz,
  lost_at timestamptz,
  archived_at timestamptz,
  expected_close date,
  labels text[],
  lead_id text COLLATE "C",
  source text,
  items_count bigint,
  custom jsonb,
  map_version   bigint NOT NULL,
  first_seen_at timestamptz NOT NULL DEFAULT now(),
  changed_at    timestamptz NOT NULL DEFAULT now(),
  deleted_at    timestamptz,
  deleted_why   text COLLATE "C",
  PRIMARY KEY (workspace_id, connection_id, external_id)
) WITH (toast_tuple_target = 8160);
COMMENT ON TABLE deals IS 'Possible sales on their way through a pipeline.';
COMMENT ON COLUMN deals.status IS 'Outcome; deleted means that somebody removed it instead of closing it.';
COMMENT ON COLUMN deals.amount IS 'Worth in major units of currency.';
COMMENT ON COLUMN deals.currency IS 'ISO 4217.';
COMMENT ON COLUMN deals.amount_minor IS 'Worth in minor units of currency, for sums and sorting; null if it does not fit.';
COMMENT ON COLUMN deals.probability IS 'Percent, 0 to 100, if set on the deal.';
COMMENT ON COLUMN deals.lost_reason IS 'As written in the CRM.';
COMMENT ON COLUMN deals.stage_entered_at IS 'Since when it stands in its stage.';
COMMENT ON COLUMN deals.labels IS 'Ids of the vendor''s labels.';
COMMENT ON COLUMN deals.lead_id IS 'The lead it was made from.';
COMMENT ON COLUMN deals.source IS 'How it came into the CRM, in the vendor''s words.';
COMMENT ON COLUMN deals.items_count IS 'Number of deal items the CRM reports.';
CALL isolate('deals');

CREATE TABLE deal_items (
  workspace_id  bigint NOT NULL,
  connection_id bigint NOT NULL,
  external_id   text COLLATE "C" NOT NULL,
  deal_id text COLLATE "C" NOT NULL,
  product_id text COLLATE "C",
  name text,
  quantity numeric,
  unit text,
  price numeric,
  discount numeric,
  discount_type text COLLATE "C",
  tax numeric,
  amount numeric,
  currency text,
  enabled boolean,
  added_at timestamptz,
  updated_at timestamptz,
  custom jsonb,
  map_version   bigint NOT NULL,
  first_seen_at timestamptz NOT NULL DEFAULT now(),
  changed_at    timestamptz NOT NULL DEFAULT now(),
  deleted_at    timestamptz,
  deleted_why   text COLLATE "C",
  PRIMARY KEY (workspace_id, connection_id, external_id)
) WITH (toast_tuple_target = 8160);
COMMENT ON TABLE deal_items IS 'Products on a deal.';
COMMENT ON COLUMN deal_items.price IS 'Per unit, before discount.';
COMMENT ON COLUMN deal_items.tax IS 'Percent.';
COMMENT ON COLUMN deal_items.amount IS 'The line''s sum as the CRM computes it.';
COMMENT ON COLUMN deal_items.currency IS 'ISO 4217.';
COMMENT ON COLUMN deal_items.enabled IS 'Counts towards the deal''s worth.';
CALL isolate('deal_items');

CREATE TABLE leads (
  workspace_id  bigint NOT NULL,
  connection_id bigint NOT NULL,
  external_id   text COLLATE "C" NOT NULL,
  title text NOT NULL,
  owner_id text COLLATE "C",
  creator_id text COLLATE "C",
  person_id text COLLATE "C",
  company_id text COLLATE "C",
  amount numeric,
  currency text,
  source text,
  labels text[],
  archived boolean NOT NULL,
  seen boolean,
  expected_close date,
  added_at timestamptz,
  updated_at timestamptz,
  custom jsonb,
  map_version   bigint NOT NULL,
  first_seen_at timestamptz NOT NULL DEFAULT now(),
  changed_at    timestamptz NOT NULL DEFAULT now(),
  deleted_at    timestamptz,
  deleted_why   text COLLATE "C",
  PRIMARY KEY (workspace_id, connection_id, external_id)
) WITH (toast_tuple_target = 8160);
COMMENT ON TABLE leads IS 'Inquiries that are not deals yet.';
COMMENT ON COLUMN leads.currency IS 'ISO 4217.';
COMMENT ON COLUMN leads.source IS 'Channel, in the vendor''s words.';
COMMENT ON COLUMN leads.labels IS 'Ids of the vendor''s labels.';
COMMENT ON COLUMN leads.seen IS 'Somebody opened it.';
CALL isolate('leads');

CREATE TABLE activities (
  workspace_id  bigint NOT NULL,
  connection_id bigint NOT NULL,
  external_id   text COLLATE "C" NOT NULL,
  subject text,
  type text,
  owner_id text COLLATE "C",
  creator_id text COLLATE "C",
  deal_id text COLLATE "C",
  lead_id text COLLATE "C",
  person_id text COLLATE "C",
  company_id text COLLATE "C",
  due_on date,
  due_at timestamptz,
  minutes bigint,
  done boolean NOT NULL,
  done_at timestamptz,
  note text,
  added_at timestamptz,
  updated_at timestamptz,
  custom jsonb,
  map_version   bigint NOT NULL,
  first_seen_at timestamptz NOT NULL DEFAULT now(),
  changed_at    timestamptz NOT NULL DEFAULT now(),
  deleted_at    timestamptz,
  deleted_why   text COLLATE "C",
  PRIMARY KEY (workspace_id, connection_id, external_id)
) WITH (toast_tuple_target = 8160);
COMMENT ON TABLE activities IS 'Calls, meetings and tasks, planned and done.';
COMMENT ON COLUMN activities.type IS 'Code of an activity type.';
COMMENT ON COLUMN activities.due_at IS 'Null when only a day is set.';
COMMENT ON COLUMN activities.minutes IS 'Planned length.';
COMMENT ON COLUMN activities.note IS 'HTML as the CRM has it.';
CALL isolate('activities');

CREATE TABLE notes (
  workspace_id  bigint NOT NULL,
  connection_id bigint NOT NULL,
  external_id   text COLLATE "C" NOT NULL,
  content text,
  author_id text COLLATE "C",
  deal_id text COLLATE "C",
  lead_id text COLLATE "C",
  person_id text COLLATE "C",
  company_id text COLLATE "C",
  added_at timestamptz,
  updated_at timestamptz,
  custom jsonb,
  map_version   bigint NOT NULL,
  first_seen_at timestamptz NOT NULL DEFAULT now(),
  changed_at    timestamptz NOT NULL DEFAULT now(),
  deleted_at    timestamptz,
  deleted_why   text COLLATE "C",
  PRIMARY KEY (workspace_id, connection_id, external_id)
) WITH (toast_tuple_target = 8160);
COMMENT ON TABLE notes IS 'What reps wrote on deals, leads, people and companies.';
COMMENT ON COLUMN notes.content IS 'HTML as the CRM has it.';
CALL isolate('notes');

CREATE TABLE deal_events (
  workspace_id  bigint NOT NULL,
  connection_id bigint NOT NULL,
  external_id   text COLLATE "C" NOT NULL,
  deal_id text COLLATE "C" NOT NULL,
  field text NOT NULL,
  old_value text,
  new_value text,
  actor_id text COLLATE "C",
  at timestamptz NOT NULL,
  source text,
  map_version   bigint NOT NULL,
  first_seen_at timestamptz NOT NULL DEFAULT now(),
  changed_at    timestamptz NOT NULL DEFAULT now(),
  deleted_at    timestamptz,
  deleted_why   text COLLATE "C",
  PRIMARY KEY (workspace_id, connection_id, external_id)
) WITH (toast_tuple_target = 8160);
COMMENT ON TABLE deal_events IS 'The CRM''s own record of a deal''s changes: stage, outcome, reason, owner.';
COMMENT ON COLUMN deal_events.field IS 'Canonical field that changed.';
COMMENT ON COLUMN deal_events.source IS 'By which way it was changed, in the vendor''s words.';
CALL isolate('deal_events');

CREATE INDEX deals_open ON deals (workspace_id, connection_id, pipeline_id, stage_id) WHERE status = 'open' AND deleted_at IS NULL;
CREATE INDEX deal_items_of ON deal_items (workspace_id, connection_id, deal_id);
CREATE INDEX activities_of_deal ON activities (workspace_id, connection_id, deal_id) WHERE deal_id IS NOT NULL;
CREATE INDEX notes_of_deal ON notes (workspace_id, connection_id, deal_id) WHERE deal_id IS NOT NULL;
CREATE INDEX deal_events_of ON deal_events (workspace_id, connection_id, deal_id);

CREATE TABLE deal_stages (
  workspace_id  bigint NOT NULL,
  connection_id bigint NOT NULL,
  deal_id       text COLLATE "C" NOT NULL,
  at            timestamptz NOT NULL,
  stage_id      text COLLATE "C" NOT NULL,
  from_stage_id text COLLATE "C",
  actor_id      text COLLATE "C",
  source        text COLLATE "C" NOT NULL CHECK (source IN ('history', 'observed', 'first sight')),
  PRIMARY KEY (workspace_id, connection_id, deal_id, at, stage_id)
);
COMMENT ON TABLE deal_stages IS 'Each entry of a deal into a stage, backward moves and returns included.';
COMMENT ON COLUMN deal_stages.at IS 'When it entered the stage, by the vendor''s clock.';
COMMENT ON COLUMN deal_stages.from_stage_id IS 'Null for the first stage, or where the stage before is not known.';
COMMENT ON COLUMN deal_stages.actor_id IS 'The rep who moved it, if known.';
COMMENT ON COLUMN deal_stages.source IS 'history: from the CRM''s own record; observed: seen by us as a change; first sight: the stage it stood in when first read. Once a deal''s history is known it replaces the other two for the time it covers.';
CALL isolate('deal_stages');

CREATE TABLE teams (
  workspace_id bigint NOT NULL REFERENCES workspaces (id),
  id           bigint GENERATED ALWAYS AS IDENTITY,
  name         text NOT NULL,
  PRIMARY KEY (workspace_id, id),
  UNIQUE (workspace_id, name)
);
COMMENT ON TABLE teams IS 'Teams of reps with a head of sales, as the company names them.';
CALL isolate('teams');

CREATE TABLE team_reps (
  workspace_id  bigint NOT NULL,
  team_id       bigint NOT NULL,
  connection_id bigint NOT NULL,
  rep_id        text COLLATE "C" NOT NULL,
  PRIMARY KEY (workspace_id, team_id, connection_id, rep_id),
  FOREIGN KEY (workspace_id, team_id) REFERENCES teams (workspace_id, id) ON DELETE CASCADE
);
COMMENT ON TABLE team_reps IS 'Which reps belong to which team.';
CALL isolate('team_reps');

-- What every canonical table has in common means the same everywhere.
-- +goose StatementBegin
DO $$
DECLARE c record;
BEGIN
  FOR c IN SELECT a.attrelid::regclass AS kind, a.attname AS name, said.text
    FROM pg_attribute mapped JOIN pg_class k ON k.oid = mapped.attrelid AND k.relkind = 'r' AND k.relnamespace = 'salesbook'::regnamespace
    JOIN pg_attribute a ON a.attrelid = k.oid
    JOIN (VALUES
      ('external_id', 'text', 'The vendor''s id.'),
      ('custom', 'jsonb', 'Custom and unmapped fields by the vendor''s code, see fields; options are ids.'),
      ('map_version', 'bigint', 'Hash of the field map and field definitions it was mapped by; another one makes it due for replay.'),
      ('first_seen_at', 'timestamptz', 'When we first stored it.'),
      ('changed_at', 'timestamptz', 'When we last wrote it.'),
      ('deleted_at', 'timestamptz', 'Tombstone: when we learnt that it is gone; null while it exists.'),
      ('deleted_why', 'text', 'deleted, merged, or not visible.')
    ) AS said (name, type, text) ON said.name = a.attname AND said.type::regtype = a.atttypid
    WHERE mapped.attname = 'map_version'
  LOOP
    EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', c.kind, c.name, c.text);
  END LOOP;
END $$;
-- +goose StatementEnd

-- +goose Down
SELECT 1;
