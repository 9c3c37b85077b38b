-- Subscriptions that the vendor refuses stand beside those that it serves.

-- +goose Up
ALTER TABLE subscriptions
  ADD COLUMN refused text NOT NULL DEFAULT '',
  DROP CONSTRAINT subscriptions_pkey,
  ADD PRIMARY KEY (workspace_id, connection_id, object, external_id);
COMMENT ON TABLE subscriptions IS 'Standing orders for deliveries at the vendor, as last seen there, and those that it refuses.';
COMMENT ON COLUMN subscriptions.external_id IS 'The vendor''s id; empty for one that does not stand.';
COMMENT ON COLUMN subscriptions.refused IS 'Why the vendor does not make it or, if it stands, does not renew it, in words; empty: it refuses nothing.';

-- +goose Down
SELECT 1;
