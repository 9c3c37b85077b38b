-- +goose Up
COMMENT ON COLUMN fields.options IS 'Array of {id, label, deleted, ends, was}; deleted options keep their last label, renamed ones those before under was, stages that end a deal say won or lost under ends.';

-- +goose Down
SELECT 1;
