-- A delivery is about 2 KB, just above where PostgreSQL begins to compress a row and to move its body to a side
-- table. Both cost more than storing the row. Bodies that fill a page still go there.

-- +goose Up

-- +goose StatementBegin
DO $$
DECLARE
  part regclass;
BEGIN
  FOR part IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'inbox'::regclass LOOP
    EXECUTE format('ALTER TABLE %s SET (toast_tuple_target = 8160)', part);
  END LOOP;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION ensure_partitions(months integer) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = salesbook, pg_temp SET lock_timeout = '3s' AS $$
DECLARE
  parent text; start date; name text; made integer := 0;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('salesbook.partitions'));
  FOREACH parent IN ARRAY ARRAY['inbox', 'changes'] LOOP
    FOR i IN 0..months LOOP
      start := (date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => i))::date;
      name := parent || to_char(start, '_YYYY_MM');
      CONTINUE WHEN to_regclass(name) IS NOT NULL;
      -- A default partition that already holds rows of the month would refuse the new one: they stay where they are.
      BEGIN
        EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', name, parent, start::text || ' 00:00+00', (start + interval '1 month')::date::text || ' 00:00+00');
        EXECUTE format('COMMENT ON TABLE %I IS %L', name, 'Rows of ' || parent || ' of this month (UTC).');
        EXECUTE format('CALL isolate(%L)', name);
        IF parent = 'inbox' THEN EXECUTE format('ALTER TABLE %I SET (toast_tuple_target = 8160)', name); END IF;
        made := made + 1;
      EXCEPTION WHEN check_violation THEN NULL;
      END;
    END LOOP;
  END LOOP;
  RETURN made;
END $$;
-- +goose StatementEnd

-- +goose Down
SELECT 1;
