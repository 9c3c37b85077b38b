-- How a deal had ended that an edit opens again, so that this can be taken back.

-- +goose Up
ALTER TABLE edits ADD COLUMN ending jsonb;
COMMENT ON COLUMN edits.ending IS 'How the deal had ended that it opens again, at CRMs whose stages say that: the vendor''s field and what it held, which is set back when the edit is undone; null: the canonical fields tell it.';

-- +goose Down
SELECT 1;
