-- Functions that look across workspaces or at the installation: the only way to do so.
-- Each is SECURITY DEFINER, owned by salesbook_owner, with a fixed search_path, executable by
-- salesbook_app alone. README.md lists each with its reason; a test compares the list.

-- +goose Up

-- +goose StatementBegin
CREATE FUNCTION create_workspace(name text) RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = salesbook, pg_temp AS $$
  WITH made AS (INSERT INTO workspaces (name) VALUES ($1) ON CONFLICT DO NOTHING RETURNING id)
  SELECT id FROM made UNION ALL SELECT w.id FROM workspaces w WHERE w.name = $1 LIMIT 1
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION create_workspace(text) IS 'Makes a workspace, or returns the one of that name.';

-- +goose StatementBegin
CREATE FUNCTION list_workspaces() RETURNS TABLE (id bigint, name text, zone text) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = salesbook, pg_temp AS $$
  SELECT id, name, zone FROM workspaces ORDER BY id
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION list_workspaces() IS 'All workspaces: for jobs that visit each, and to find one by name before entering it.';

-- +goose StatementBegin
CREATE FUNCTION schema_version() RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER SET search_path = salesbook, pg_temp AS $$
  SELECT COALESCE(max(version_id), 0) FROM goose_db_version WHERE is_applied
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION schema_version() IS 'The newest migration that has run: processes refuse to start on a schema they do not know.';

-- +goose StatementBegin
CREATE FUNCTION key_canary() RETURNS bytea LANGUAGE sql STABLE SECURITY DEFINER SET search_path = salesbook, pg_temp AS $$
  SELECT key_canary FROM installation
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION key_canary() IS 'The sealed known text, to recognise a key file of another database.';

-- +goose StatementBegin
CREATE FUNCTION set_key_canary(expected bytea, canary bytea) RETURNS boolean LANGUAGE sql SECURITY DEFINER SET search_path = salesbook, pg_temp AS $$
  WITH done AS (UPDATE installation SET key_canary = $2 WHERE key_canary IS NOT DISTINCT FROM $1 RETURNING 1)
  SELECT EXISTS (SELECT FROM done)
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION set_key_canary(bytea, bytea) IS 'Stores the sealed known text on first use and after a key rotation; false when somebody else was first.';

-- +goose StatementBegin
CREATE FUNCTION route_delivery(hash bytea) RETURNS TABLE (workspace_id bigint, connection_id bigint) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = salesbook, pg_temp AS $$
  SELECT c.workspace_id, c.id FROM connections c WHERE c.hook_hash = $1 AND c.state <> 'removing'
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION route_delivery(bytea) IS 'Finds whose delivery this is from the hash of the unguessable part of its URL, before any workspace is known.';

-- +goose StatementBegin
CREATE FUNCTION claim_schedules(most integer) RETURNS TABLE (workspace_id bigint, kind text, connection_id bigint) LANGUAGE sql SECURITY DEFINER SET search_path = salesbook, pg_temp AS $$
  WITH due AS (
    SELECT s.workspace_id, s.kind, s.connection_id FROM schedules s WHERE s.next_at <= now()
    ORDER BY s.next_at LIMIT $1 FOR UPDATE SKIP LOCKED)
  UPDATE schedules s SET next_at = now() + s.every FROM due
  WHERE (s.workspace_id, s.kind, s.connection_id) = (due.workspace_id, due.kind, due.connection_id)
  RETURNING s.workspace_id, s.kind, s.connection_id
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION claim_schedules(integer) IS 'For the tick: what is due in any workspace, claimed by moving it on. A time that was missed is not made up for.';

-- +goose StatementBegin
CREATE FUNCTION waiting_deliveries() RETURNS TABLE (workspace_id bigint, connection_id bigint) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = salesbook, pg_temp AS $$
  SELECT c.workspace_id, c.id FROM connections c
  WHERE c.state = 'active' AND (c.rest_until IS NULL OR c.rest_until <= now()) AND EXISTS (
    SELECT FROM inbox i WHERE i.workspace_id = c.workspace_id AND i.connection_id = c.id AND i.done_at IS NULL)
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION waiting_deliveries() IS 'For the tick: connections whose inbox holds work, so that a lost job never leaves a delivery lying.';

-- +goose StatementBegin
CREATE FUNCTION ensure_partitions(months integer) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = salesbook, pg_temp SET lock_timeout = '3s' AS $$
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
        made := made + 1;
      EXCEPTION WHEN check_violation THEN NULL;
      END;
    END LOOP;
  END LOOP;
  RETURN made;
END $$;
-- +goose StatementEnd
COMMENT ON FUNCTION ensure_partitions(integer) IS 'Makes the partitions of this and the coming months; the application owns no table and could not.';

-- +goose StatementBegin
CREATE FUNCTION drop_partitions(parent text, keep interval) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = salesbook, pg_temp SET lock_timeout = '3s' AS $$
DECLARE
  part text; dropped integer := 0; unread boolean := false;
BEGIN
  IF parent NOT IN ('inbox', 'changes') THEN RAISE EXCEPTION 'no partitioned table of ours: %', parent; END IF;
  FOR part IN SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = parent::regclass AND c.relname ~ (parent || '_\d{4}_\d{2}$')
      AND to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month' <= (now() - keep) AT TIME ZONE 'UTC'
  LOOP
    IF parent = 'inbox' THEN EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE done_at IS NULL)', part) INTO unread; END IF;
    CONTINUE WHEN unread;
    EXECUTE format('DROP TABLE %I', part);
    dropped := dropped + 1;
  END LOOP;
  RETURN dropped;
END $$;
-- +goose StatementEnd
COMMENT ON FUNCTION drop_partitions(text, interval) IS 'Retention: drops whole months that ended longer ago than keep. Months with deliveries that nobody has read stay.';

-- +goose StatementBegin
CREATE FUNCTION vendor_account(vendor text, account text, burst integer, burst_window interval, daily integer, daily_zone text) RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = salesbook, pg_temp AS $$
  INSERT INTO vendor_accounts AS a (vendor, account, burst, burst_window, daily, daily_zone)
  VALUES ($1, $2, NULLIF($3, 0), $4, NULLIF($5, 0), COALESCE(NULLIF($6, ''), 'UTC'))
  ON CONFLICT (vendor, account) DO UPDATE SET
    burst = COALESCE(a.burst, excluded.burst), burst_window = COALESCE(a.burst_window, excluded.burst_window),
    daily = COALESCE(a.daily, excluded.daily), daily_zone = excluded.daily_zone
  RETURNING id
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION vendor_account(text, text, integer, interval, integer, text) IS 'Finds or makes the owner of a quota; budgets that were learnt are kept.';

-- +goose StatementBegin
CREATE FUNCTION take_quota(holder bigint, cost integer, burst_cost integer, burst_floor float8, daily_floor float8, OUT wait_ms bigint, OUT daily_spent boolean) LANGUAGE plpgsql SECURITY DEFINER SET search_path = salesbook, pg_temp AS $$
DECLARE
  a vendor_accounts; b vendor_bursts; t timestamptz; today date; slice integer;
  capacity float8; rate float8; have float8; want float8;
BEGIN
  wait_ms := 0; daily_spent := false;
  -- All who share the account take turns at its bucket. One that a crash has swept away is empty and fills from
  -- now on; so does one that was counted before the clock was set back.
  SELECT * INTO b FROM vendor_bursts v WHERE v.account_id = holder FOR UPDATE;
  IF NOT FOUND OR b.at > clock_timestamp() THEN
    INSERT INTO vendor_bursts AS v (account_id, tokens, at) VALUES (holder, 0, clock_timestamp())
    ON CONFLICT (account_id) DO UPDATE SET tokens = least(v.tokens, 0), at = clock_timestamp() RETURNING * INTO b;
  END IF;
  SELECT * INTO a FROM vendor_accounts v WHERE v.id = holder;
  IF NOT FOUND THEN RAISE EXCEPTION 'no vendor account %', holder; END IF;
  t := clock_timestamp(); today := (t AT TIME ZONE a.daily_zone)::date;
  IF a.daily_day IS DISTINCT FROM today OR a.daily_left IS NULL THEN a.daily_day := today; a.daily_left := a.daily; END IF;
  IF b.day IS DISTINCT FROM today THEN b.day := today; b.reserved := 0; END IF;

  IF a.parked_until > t THEN
    wait_ms := ceil(extract(epoch FROM a.parked_until - t) * 1000);
    daily_spent := COALESCE(a.daily_left + b.reserved <= 0, false);
    RETURN;
  END IF;
  IF a.daily IS NOT NULL AND cost > 0 AND a.daily_left + b.reserved - cost < floor(a.daily * daily_floor) THEN
    wait_ms := ceil(extract(epoch FROM (today + 1)::timestamp AT TIME ZONE a.daily_zone - t) * 1000);
    daily_spent := true;
    RETURN;
  END IF;

  IF a.burst IS NOT NULL AND burst_cost > 0 THEN
    -- One fifth of a window's budget may be spent at once and the rest flows in over the window, so that no window of that
    -- length, wherever it begins, holds more than the budget: capacity + rate * window < budget + 1, and calls are whole.
    -- The window is taken 5 % longer than it is, because calls do not travel equally fast.
    burst_cost := least(burst_cost, a.burst);
    capacity := greatest(a.burst / 5.0, 1);
    rate := (a.burst - capacity + 1) / (1.05 * extract(epoch FROM COALESCE(NULLIF(a.burst_window, interval '0'), interval '1 minute'))); -- a second
    have := least(a.burst, b.tokens + rate * extract(epoch FROM t - b.at));
    want := least(a.burst, burst_cost + capacity * burst_floor);
    IF have < want THEN
      wait_ms := ceil((want - have) / rate * 1000);
      RETURN;
    END IF;
    -- What was saved up beyond the capacity lapses; a call that takes more than the capacity leaves a debt.
    b.tokens := least(have, capacity) - burst_cost; b.at := t;
  END IF;

  IF a.daily IS NOT NULL AND cost > 0 THEN
    IF b.reserved < cost THEN
      -- The day's spending is written durably ahead, in slices of one percent: a crash loses at most a slice of budget, never the count.
      slice := least(a.daily_left, greatest(cost - b.reserved, a.daily / 100));
      UPDATE vendor_accounts v SET daily_day = today, daily_left = a.daily_left - slice WHERE v.id = holder;
      b.reserved := b.reserved + slice;
    END IF;
    b.reserved := b.reserved - cost;
  END IF;
  UPDATE vendor_bursts v SET tokens = b.tokens, at = b.at, reserved = b.reserved, day = b.day WHERE v.account_id = holder;
END $$;
-- +goose StatementEnd
COMMENT ON FUNCTION take_quota(bigint, integer, integer, float8, float8) IS 'Reserves one call on a vendor account for any workspace''s connection: 0, or how long to keep away. A lane leaves the share burst_floor of the bucket and daily_floor of the day to more urgent ones.';

-- +goose StatementBegin
CREATE FUNCTION learn_quota(holder bigint, burst_limit integer, burst_left integer, burst_reset_ms bigint, daily_limit integer, daily_left integer, refused boolean, retry_ms bigint) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = salesbook, pg_temp AS $$
DECLARE
  a vendor_accounts; known vendor_accounts; b vendor_bursts; t timestamptz; today date; told integer;
BEGIN
  -- The bucket is locked first, as in take_quota, so that nobody waits crosswise and daily_left and reserved fit together.
  INSERT INTO vendor_bursts AS v (account_id, tokens, at) VALUES (holder, 0, clock_timestamp())
  ON CONFLICT (account_id) DO UPDATE SET at = v.at RETURNING * INTO b;
  SELECT * INTO a FROM vendor_accounts v WHERE v.id = holder;
  IF NOT FOUND THEN RAISE EXCEPTION 'no vendor account %', holder; END IF;
  known := a; t := clock_timestamp(); today := (t AT TIME ZONE a.daily_zone)::date;
  IF a.daily_day IS DISTINCT FROM today OR a.daily_left IS NULL THEN a.daily_day := today; a.daily_left := a.daily; END IF;
  IF b.day IS DISTINCT FROM today THEN b.day := today; b.reserved := 0; END IF;

  -- Limits are first assumed by the connector, then told: up and down.
  IF burst_limit > 0 THEN a.burst := burst_limit; END IF;
  IF daily_limit > 0 THEN
    a.daily_left := greatest(0, COALESCE(a.daily_left - a.daily, 0) + daily_limit); a.daily := daily_limit;
  END IF;
  IF learn_quota.daily_left IS NOT NULL THEN
    told := greatest(learn_quota.daily_left, 0);
    IF told < a.daily_left + b.reserved THEN -- others spend from it, too
      b.reserved := greatest(0, told - a.daily_left); a.daily_left := least(a.daily_left, told);
    ELSIF a.daily_left IS NULL OR told > a.daily_left + b.reserved + COALESCE(a.daily, 0) / 50 THEN
      -- More than calls that the vendor had not counted yet can explain: more was bought, or its day began at another hour.
      a.daily_left := told - b.reserved;
    END IF;
  END IF;

  IF refused AND learn_quota.daily_left <= 0 THEN
    a.parked_until := greatest(a.parked_until, (today + 1)::timestamp AT TIME ZONE a.daily_zone);
  ELSIF refused THEN
    a.parked_until := greatest(a.parked_until, t + least(greatest(retry_ms, 1000), 86400000) * interval '1 ms');
  ELSIF burst_left <= 0 AND burst_reset_ms > 0 THEN -- as good as a refusal, but no longer than a window can last
    a.parked_until := greatest(a.parked_until, t + least(burst_reset_ms * interval '1 ms', a.burst_window));
  END IF;
  IF refused OR burst_left < b.tokens THEN
    b.tokens := least(b.tokens, CASE WHEN refused THEN 0 ELSE greatest(burst_left, 0) END); b.at := t;
  END IF;

  IF a IS DISTINCT FROM known THEN
    UPDATE vendor_accounts v SET burst = COALESCE(a.burst, v.burst), daily = COALESCE(a.daily, v.daily), daily_left = a.daily_left, daily_day = a.daily_day,
      parked_until = a.parked_until, learnt_at = t WHERE v.id = holder;
  END IF;
  UPDATE vendor_bursts v SET tokens = b.tokens, at = b.at, reserved = b.reserved, day = b.day WHERE v.account_id = holder;
END $$;
-- +goose StatementEnd
COMMENT ON FUNCTION learn_quota(bigint, integer, integer, bigint, integer, integer, boolean, bigint) IS 'Records what a vendor''s answer told of the quota, for every connection to that account.';

-- +goose StatementBegin
CREATE FUNCTION quota_status(account bigint) RETURNS TABLE (burst integer, daily integer, daily_left integer, parked_until timestamptz, learnt_at timestamptz) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = salesbook, pg_temp AS $$
  SELECT a.burst, a.daily,
    CASE WHEN a.daily_day = (t AT TIME ZONE a.daily_zone)::date THEN COALESCE(a.daily_left, a.daily) + COALESCE((SELECT b.reserved FROM vendor_bursts b WHERE b.account_id = a.id AND b.day = a.daily_day), 0) ELSE a.daily END,
    NULLIF(greatest(a.parked_until, t), t), a.learnt_at
  FROM vendor_accounts a, clock_timestamp() t WHERE a.id = $1
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION quota_status(bigint) IS 'What is left of an account''s budget, to be shown.';

-- +goose StatementBegin
CREATE FUNCTION connection_stats() RETURNS TABLE (workspace text, connection text, vendor text, state text, objects bigint, loaded bigint, oldest_as_of timestamptz, waiting bigint, open_failures bigint) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = salesbook, pg_temp AS $$
  SELECT w.name, c.name, c.vendor, c.state,
    (SELECT count(*) FROM cursors k WHERE k.workspace_id = c.workspace_id AND k.connection_id = c.id),
    (SELECT count(*) FROM cursors k WHERE k.workspace_id = c.workspace_id AND k.connection_id = c.id AND k.loaded_at IS NOT NULL),
    (SELECT min(k.as_of) FROM cursors k WHERE k.workspace_id = c.workspace_id AND k.connection_id = c.id),
    (SELECT count(*) FROM inbox i WHERE i.workspace_id = c.workspace_id AND i.connection_id = c.id AND i.done_at IS NULL),
    (SELECT count(*) FROM failures f WHERE f.workspace_id = c.workspace_id AND f.connection_id = c.id AND f.resolved_at IS NULL)
  FROM connections c JOIN workspaces w ON w.id = c.workspace_id
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION connection_stats() IS 'Figures for /metrics, of every workspace, without any customer''s data.';

-- +goose StatementBegin
DO $$
DECLARE f regprocedure;
BEGIN
  FOR f IN SELECT p.oid FROM pg_proc p WHERE p.pronamespace = 'salesbook'::regnamespace AND p.prosecdef LOOP
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO salesbook_app', f);
  END LOOP;
  REVOKE ALL ON PROCEDURE isolate(regclass), seclude(regclass) FROM PUBLIC;
END $$;
-- +goose StatementEnd

SELECT ensure_partitions(2);

-- +goose Down
SELECT 1;
