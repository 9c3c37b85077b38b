-- What people decide: who takes a violation on, and to which losses somebody agreed. Lists go by time.

-- +goose Up
ALTER TABLE violations
  ADD COLUMN acknowledged_at timestamptz,
  ADD COLUMN acknowledged_by text,
  ADD COLUMN acknowledged_note text;
COMMENT ON COLUMN violations.acknowledged_at IS 'When somebody last took it on; null: nobody has.';
COMMENT ON COLUMN violations.acknowledged_by IS 'Who takes it on.';
COMMENT ON COLUMN violations.acknowledged_note IS 'What he wrote about it; null: nothing.';
CREATE INDEX violations_since ON violations (workspace_id, opened_at, id) WHERE mended_at IS NULL AND closed_at IS NULL;

CREATE TABLE approvals (
  workspace_id  bigint NOT NULL,
  id            bigint GENERATED ALWAYS AS IDENTITY,
  connection_id bigint NOT NULL,
  deal_id       text COLLATE "C" NOT NULL,
  loss_at       timestamptz,
  reason        text NOT NULL,
  given_at      timestamptz NOT NULL,
  given_by      text NOT NULL,
  note          text NOT NULL CHECK (note <> ''),
  withdrawn_at  timestamptz CHECK (withdrawn_at >= given_at),
  withdrawn_by  text,
  PRIMARY KEY (workspace_id, id)
);
COMMENT ON TABLE approvals IS 'Decisions of people that a deal may be lost. Kept for ever: verdicts are recomputed from them.';
COMMENT ON COLUMN approvals.loss_at IS 'Which loss, by its instant; null: the next one for the reason, within thirty days.';
COMMENT ON COLUMN approvals.reason IS 'The reason of the loss as the CRM had it, or as the book has it of a loss to come.';
COMMENT ON COLUMN approvals.given_at IS 'When it was decided.';
COMMENT ON COLUMN approvals.given_by IS 'Who decided.';
COMMENT ON COLUMN approvals.note IS 'Why.';
COMMENT ON COLUMN approvals.withdrawn_at IS 'When it was taken back; null: it stands.';
COMMENT ON COLUMN approvals.withdrawn_by IS 'Who took it back.';
CREATE INDEX approvals_of ON approvals (workspace_id, connection_id, deal_id);
CALL isolate('approvals');

COMMENT ON COLUMN retention.what IS 'changes, deliveries, failures, proofs, runs or violations.';

-- +goose Down
SELECT 1;
