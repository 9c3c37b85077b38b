-- Budgets of 24 rolling hours beside those of a calendar day, and calls at once counted across all processes.

-- +goose Up
ALTER TABLE vendor_accounts
  ADD COLUMN rolling boolean NOT NULL DEFAULT false,
  ADD COLUMN at_once integer,
  ADD COLUMN heavy_at_once integer;
COMMENT ON COLUMN vendor_accounts.rolling IS 'What was spent of "daily" comes back 24 hours later, see vendor_hours; otherwise all of it at midnight in daily_zone.';
COMMENT ON COLUMN vendor_accounts.at_once IS 'Calls that may be under way at once; null when not known or not limited.';
COMMENT ON COLUMN vendor_accounts.heavy_at_once IS 'Of these, calls that the vendor counts as heavy; null: as many.';

ALTER TABLE vendor_bursts ADD COLUMN hour timestamptz;
COMMENT ON COLUMN vendor_bursts.hour IS 'Of a budget that rolls: the hour in vendor_hours that reserved was taken from.';

CREATE TABLE vendor_hours (
  account_id bigint NOT NULL,
  hour       timestamptz NOT NULL,
  spent      integer NOT NULL DEFAULT 0,
  others     integer NOT NULL DEFAULT 0,
  PRIMARY KEY (account_id, hour)
);
COMMENT ON TABLE vendor_hours IS 'What was spent of a budget that rolls, by hours. An hour counts until 24 hours after its end.';
COMMENT ON COLUMN vendor_hours.account_id IS 'The owner of the quota, in vendor_accounts.';
COMMENT ON COLUMN vendor_hours.hour IS 'When it began.';
COMMENT ON COLUMN vendor_hours.spent IS 'Cost units that we have spent in it, with what is reserved.';
COMMENT ON COLUMN vendor_hours.others IS 'Cost units that were missing by what the vendor told in it, beyond ours: other tools and people.';
CALL seclude('vendor_hours');

CREATE UNLOGGED TABLE vendor_permits (
  account_id bigint NOT NULL,
  id         bigint NOT NULL,
  heavy      boolean NOT NULL,
  until      timestamptz NOT NULL,
  PRIMARY KEY (account_id, id)
);
COMMENT ON TABLE vendor_permits IS 'Calls under way, at vendors that bound how many may be. Unlogged: what a crash of PostgreSQL loses has ended before it is back, or nearly.';
COMMENT ON COLUMN vendor_permits.account_id IS 'The owner of the quota, in vendor_accounts.';
COMMENT ON COLUMN vendor_permits.id IS 'Drawn by lot, so that a call that outlives a crash ends nobody else''s.';
COMMENT ON COLUMN vendor_permits.heavy IS 'The vendor counts it as heavy.';
COMMENT ON COLUMN vendor_permits.until IS 'The call cannot be under way any longer: the permit of a process that was killed counts no more.';
CALL seclude('vendor_permits');

-- +goose StatementBegin
CREATE FUNCTION vendor_quota(vendor text, account text, burst integer, burst_window interval, daily integer, daily_zone text, rolling boolean, at_once integer, heavy_at_once integer) RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = salesbook, pg_temp AS $$
  INSERT INTO vendor_accounts AS a (vendor, account, burst, burst_window, daily, daily_zone, rolling, at_once, heavy_at_once)
  VALUES ($1, $2, NULLIF($3, 0), $4, NULLIF($5, 0), COALESCE(NULLIF($6, ''), 'UTC'), $7, NULLIF($8, 0), NULLIF($9, 0))
  ON CONFLICT (vendor, account) DO UPDATE SET
    -- Of budgets that roll and of calls at once no answer tells the limit: what the latest check found holds.
    burst = CASE WHEN excluded.rolling THEN excluded.burst ELSE COALESCE(a.burst, excluded.burst) END,
    burst_window = CASE WHEN excluded.rolling THEN excluded.burst_window ELSE COALESCE(a.burst_window, excluded.burst_window) END,
    daily = CASE WHEN excluded.rolling THEN excluded.daily ELSE COALESCE(a.daily, excluded.daily) END,
    daily_zone = excluded.daily_zone, rolling = excluded.rolling, at_once = excluded.at_once, heavy_at_once = excluded.heavy_at_once
  RETURNING id
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION vendor_quota(text, text, integer, interval, integer, text, boolean, integer, integer) IS 'Finds or makes the owner of a quota; budgets that were learnt are kept.';

-- +goose StatementBegin
CREATE FUNCTION turn_hour(holder bigint, t timestamptz) RETURNS void LANGUAGE plpgsql SET search_path = salesbook, pg_temp AS $$
DECLARE
  b vendor_bursts; hour_now timestamptz := date_trunc('hour', t, 'UTC');
BEGIN
  SELECT * INTO b FROM vendor_bursts v WHERE v.account_id = holder;
  IF b.hour IS NOT DISTINCT FROM hour_now THEN RETURN; END IF;
  -- What was reserved and not spent goes back to its hour, or it would come back before it was spent.
  UPDATE vendor_hours v SET spent = greatest(0, v.spent - b.reserved) WHERE v.account_id = holder AND v.hour = b.hour;
  UPDATE vendor_bursts v SET reserved = 0, hour = hour_now WHERE v.account_id = holder;
  DELETE FROM vendor_hours v WHERE v.account_id = holder AND v.hour <= t - interval '25 hours';
END $$;
-- +goose StatementEnd
COMMENT ON FUNCTION turn_hour(bigint, timestamptz) IS 'Begins another hour of a budget that rolls, under the lock of its bucket.';

-- +goose StatementBegin
CREATE FUNCTION take_call(holder bigint, cost integer, burst_cost integer, heavy boolean, hold_ms integer, burst_floor float8, daily_floor float8, OUT wait_ms bigint, OUT wait_for text, OUT permit bigint) LANGUAGE plpgsql SECURITY DEFINER SET search_path = salesbook, pg_temp AS $$
DECLARE
  a vendor_accounts; b vendor_bursts; t timestamptz; today date; slice integer;
  capacity float8; rate float8; have float8; want float8; ask timestamptz; back timestamptz;
  running integer; heavies integer; gone integer;
BEGIN
  wait_ms := 0; wait_for := ''; permit := 0;
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
  IF a.rolling THEN
    PERFORM turn_hour(holder, t);
    SELECT * INTO b FROM vendor_bursts v WHERE v.account_id = holder;
    a.daily_left := greatest(0, a.daily - (SELECT COALESCE(sum(v.spent + v.others), 0) FROM vendor_hours v WHERE v.account_id = holder AND v.hour > t - interval '25 hours'));
  ELSE
    IF a.daily_day IS DISTINCT FROM today OR a.daily_left IS NULL THEN a.daily_day := today; a.daily_left := a.daily; END IF;
    IF b.day IS DISTINCT FROM today THEN b.day := today; b.reserved := 0; END IF;
  END IF;

  IF a.parked_until > t THEN
    wait_ms := ceil(extract(epoch FROM a.parked_until - t) * 1000);
    wait_for := CASE WHEN a.daily_left + b.reserved > 0 IS NOT FALSE THEN 'rate' WHEN a.rolling THEN '24 hours' ELSE 'day' END;
    RETURN;
  END IF;
  IF a.daily IS NOT NULL AND cost > 0 AND a.daily_left + b.reserved - cost < floor(a.daily * daily_floor) THEN
    -- We may be wrong about what the vendor counts. One call an hour asks, of an account that has ever told what is left.
    ask := greatest(a.learnt_at, a.probed_at) + interval '1 hour';
    IF ask IS NULL OR ask > t THEN
      back := (today + 1)::timestamp AT TIME ZONE a.daily_zone;
      IF a.rolling THEN -- until as much has come back as is missing
        SELECT COALESCE(min(s.hour) FILTER (WHERE a.daily_left + b.reserved + s.returned - cost >= floor(a.daily * daily_floor)), max(s.hour), t - interval '24 hours') + interval '25 hours' INTO back
        FROM (SELECT v.hour, sum(v.spent + v.others) OVER (ORDER BY v.hour) AS returned FROM vendor_hours v WHERE v.account_id = holder) s;
      END IF;
      wait_ms := ceil(extract(epoch FROM least(back, ask) - t) * 1000);
      wait_for := CASE WHEN a.rolling THEN '24 hours' ELSE 'day' END;
      RETURN;
    END IF;
    UPDATE vendor_accounts v SET probed_at = t WHERE v.id = holder;
  END IF;

  IF a.at_once IS NOT NULL AND hold_ms > 0 AND cost > 0 THEN
    -- A permit that ends too late is from before the clock was set back.
    SELECT count(*) FILTER (WHERE v.until > t AND v.until <= t + interval '10 minutes'),
      count(*) FILTER (WHERE v.until > t AND v.until <= t + interval '10 minutes' AND v.heavy),
      count(*) FILTER (WHERE v.until <= t OR v.until > t + interval '10 minutes')
    INTO running, heavies, gone FROM vendor_permits v WHERE v.account_id = holder;
    IF gone > 0 THEN
      DELETE FROM vendor_permits v WHERE v.account_id = holder AND (v.until <= t OR v.until > t + interval '10 minutes');
    END IF;
    -- Calls end soon, nobody knows when; who waits looks again, not all at the same instant.
    IF running >= greatest(1, a.at_once - floor(a.at_once * burst_floor))
      OR heavy AND heavies >= greatest(1, COALESCE(a.heavy_at_once, a.at_once) - floor(COALESCE(a.heavy_at_once, a.at_once) * burst_floor)) THEN
      wait_ms := 50 + floor(random() * 100); wait_for := 'calls';
      RETURN;
    END IF;
    permit := 1 + floor(random() * 9e15);
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
      wait_ms := ceil((want - have) / rate * 1000); wait_for := 'rate'; permit := 0;
      RETURN;
    END IF;
    -- What was saved up beyond the capacity lapses; a call that takes more than the capacity leaves a debt.
    b.tokens := least(have, capacity) - burst_cost; b.at := t;
  END IF;

  IF permit > 0 THEN
    INSERT INTO vendor_permits (account_id, id, heavy, until) VALUES (holder, permit, heavy, t + least(hold_ms, 300000) * interval '1 ms');
  END IF;
  IF a.daily IS NOT NULL AND cost > 0 THEN
    IF b.reserved < cost THEN
      -- Spending is written durably ahead, in slices of one percent: a crash loses at most a slice of budget, never the count.
      slice := least(a.daily_left, greatest(cost - b.reserved, a.daily / 100));
      IF a.rolling THEN
        INSERT INTO vendor_hours AS v (account_id, hour, spent) VALUES (holder, b.hour, slice)
        ON CONFLICT (account_id, hour) DO UPDATE SET spent = v.spent + excluded.spent;
      ELSE
        UPDATE vendor_accounts v SET daily_day = today, daily_left = a.daily_left - slice WHERE v.id = holder;
      END IF;
      b.reserved := b.reserved + slice;
    END IF;
    b.reserved := greatest(0, b.reserved - cost);
  END IF;
  UPDATE vendor_bursts v SET tokens = b.tokens, at = b.at, reserved = b.reserved, day = b.day WHERE v.account_id = holder;
END $$;
-- +goose StatementEnd
COMMENT ON FUNCTION take_call(bigint, integer, integer, boolean, integer, float8, float8) IS 'Reserves one call on a vendor account for any workspace''s connection: 0, or how long to keep away and for what (day, 24 hours, calls at once, rate). A permit that is not 0 is given back with end_call, or ends after hold_ms. A lane leaves the share burst_floor of bucket and calls at once, and daily_floor of the day, to more urgent ones.';

-- +goose StatementBegin
CREATE FUNCTION end_call(holder bigint, permit bigint, burst_limit integer, burst_left integer, burst_reset_ms bigint, daily_limit integer, daily_left integer, half_left boolean, refused boolean, retry_ms bigint) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = salesbook, pg_temp AS $$
DECLARE
  a vendor_accounts; known vendor_accounts; b vendor_bursts; t timestamptz; today date; told integer; gap bigint; h record;
BEGIN
  -- Silence is told by most answers, and seldom changes anything: only if less than half is left by our count, for others' sake.
  IF num_nonnulls(burst_limit, burst_left, daily_limit, end_call.daily_left) = 0 AND NOT refused
    AND NOT (half_left AND (SELECT sum(v.others) > 0 AND c.daily - sum(v.spent + v.others) < c.daily / 2 - c.daily / 50
      FROM vendor_accounts c JOIN vendor_hours v ON v.account_id = c.id WHERE c.id = holder AND c.rolling AND v.hour > clock_timestamp() - interval '25 hours' GROUP BY c.daily) IS TRUE) THEN
    DELETE FROM vendor_permits v WHERE v.account_id = holder AND v.id = permit;
    RETURN;
  END IF;

  -- The bucket is locked first, as in take_call, so that nobody waits crosswise and daily_left and reserved fit together.
  INSERT INTO vendor_bursts AS v (account_id, tokens, at) VALUES (holder, 0, clock_timestamp())
  ON CONFLICT (account_id) DO UPDATE SET at = v.at RETURNING * INTO b;
  DELETE FROM vendor_permits v WHERE v.account_id = holder AND v.id = permit;
  SELECT * INTO a FROM vendor_accounts v WHERE v.id = holder;
  IF NOT FOUND THEN RAISE EXCEPTION 'no vendor account %', holder; END IF;
  known := a; t := clock_timestamp(); today := (t AT TIME ZONE a.daily_zone)::date;

  -- Limits are first assumed by the connector, then told: up and down.
  IF burst_limit > 0 THEN a.burst := burst_limit; END IF;
  IF a.rolling THEN
    PERFORM turn_hour(holder, t);
    SELECT * INTO b FROM vendor_bursts v WHERE v.account_id = holder;
    IF daily_limit > 0 THEN a.daily := daily_limit; END IF;
    gap := a.daily + b.reserved - (SELECT COALESCE(sum(v.spent + v.others), 0) FROM vendor_hours v WHERE v.account_id = holder AND v.hour > t - interval '25 hours'); -- left, as we count
    IF end_call.daily_left IS NOT NULL THEN
      told := greatest(end_call.daily_left, 0);
      IF told < gap THEN -- others spend from it, too
        INSERT INTO vendor_hours AS v (account_id, hour, others) VALUES (holder, b.hour, greatest(0, gap - told - b.reserved + least(b.reserved, told)))
        ON CONFLICT (account_id, hour) DO UPDATE SET others = v.others + excluded.others;
        b.reserved := least(b.reserved, told);
        gap := 0;
      ELSIF told <= gap + COALESCE(a.daily, 0) / 50 THEN
        gap := 0; -- calls that the vendor had not counted yet explain it
      ELSE
        gap := told - gap;
      END IF;
    ELSIF half_left THEN
      gap := greatest(0, a.daily / 2 - a.daily / 50 - gap);
    ELSE
      gap := 0;
    END IF;
    -- What came back before we thought is the oldest. Silence takes back only what was told of others; what is still over was bought.
    FOR h IN SELECT v.hour, v.others FROM vendor_hours v WHERE v.account_id = holder AND gap > 0 ORDER BY v.hour LOOP
      EXIT WHEN gap <= 0;
      UPDATE vendor_hours v SET others = v.others - least(h.others, gap) WHERE v.account_id = holder AND v.hour = h.hour;
      gap := gap - least(h.others, gap);
    END LOOP;
    IF end_call.daily_left IS NOT NULL THEN
      FOR h IN SELECT v.hour, greatest(0, v.spent - CASE WHEN v.hour = b.hour THEN b.reserved ELSE 0 END) AS spent FROM vendor_hours v WHERE v.account_id = holder AND gap > 0 ORDER BY v.hour LOOP
        EXIT WHEN gap <= 0;
        UPDATE vendor_hours v SET spent = v.spent - least(h.spent, gap) WHERE v.account_id = holder AND v.hour = h.hour;
        gap := gap - least(h.spent, gap);
      END LOOP;
      a.daily := a.daily + gap;
      IF a.learnt_at IS NULL OR a.learnt_at < t - interval '1 minute' THEN a.learnt_at := t; END IF;
    END IF;
  ELSE
    IF a.daily_day IS DISTINCT FROM today OR a.daily_left IS NULL THEN a.daily_day := today; a.daily_left := a.daily; END IF;
    IF b.day IS DISTINCT FROM today THEN b.day := today; b.reserved := 0; END IF;
    IF daily_limit > 0 THEN
      a.daily_left := greatest(0, COALESCE(a.daily_left - a.daily, 0) + daily_limit); a.daily := daily_limit;
    END IF;
    IF end_call.daily_left IS NOT NULL THEN
      told := greatest(end_call.daily_left, 0);
      IF told < a.daily_left + b.reserved THEN -- others spend from it, too
        b.reserved := greatest(0, told - a.daily_left); a.daily_left := least(a.daily_left, told);
      ELSIF a.daily_left IS NULL OR told > a.daily_left + b.reserved + COALESCE(a.daily, 0) / 50 THEN
        -- More than calls that the vendor had not counted yet can explain: more was bought, or its day began at another hour.
        a.daily_left := told - b.reserved;
      END IF;
    END IF;
  END IF;

  IF refused THEN
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
COMMENT ON FUNCTION end_call(bigint, bigint, integer, integer, bigint, integer, integer, boolean, boolean, bigint) IS 'Gives a permit back, and records what a vendor''s answer told of the quota, for every connection to that account.';

-- +goose StatementBegin
CREATE FUNCTION quota_standing(account bigint) RETURNS TABLE (burst integer, daily integer, daily_left integer, parked_until timestamptz, learnt_at timestamptz, rolling boolean, back_at timestamptz, back integer, at_once integer, under_way integer) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = salesbook, pg_temp AS $$
  SELECT a.burst, a.daily,
    CASE WHEN a.rolling THEN greatest(0, a.daily - COALESCE((SELECT sum(v.spent + v.others) FROM vendor_hours v WHERE v.account_id = a.id AND v.hour > t - interval '25 hours'), 0)
        + COALESCE((SELECT b.reserved FROM vendor_bursts b WHERE b.account_id = a.id), 0))::integer
      WHEN a.daily_day = (t AT TIME ZONE a.daily_zone)::date THEN COALESCE(a.daily_left, a.daily) + COALESCE((SELECT b.reserved FROM vendor_bursts b WHERE b.account_id = a.id AND b.day = a.daily_day), 0)
      ELSE a.daily END,
    NULLIF(greatest(a.parked_until, t), t), a.learnt_at, a.rolling, next.hour + interval '25 hours', next.spent, a.at_once,
    (SELECT count(*) FROM vendor_permits p WHERE p.account_id = a.id AND p.until > t)::integer
  FROM clock_timestamp() t, vendor_accounts a
  LEFT JOIN LATERAL (SELECT v.hour, v.spent + v.others - CASE WHEN b.hour = v.hour THEN b.reserved ELSE 0 END AS spent FROM vendor_hours v LEFT JOIN vendor_bursts b ON b.account_id = v.account_id
    WHERE v.account_id = a.id AND a.rolling AND v.hour > t - interval '25 hours' AND v.spent + v.others > CASE WHEN b.hour = v.hour THEN b.reserved ELSE 0 END ORDER BY v.hour LIMIT 1) next ON true
  WHERE a.id = $1
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION quota_standing(bigint) IS 'What is left of an account''s budget, when how much comes back next, and how many calls are under way: to be shown.';

REVOKE ALL ON FUNCTION vendor_quota(text, text, integer, interval, integer, text, boolean, integer, integer), take_call(bigint, integer, integer, boolean, integer, float8, float8),
  end_call(bigint, bigint, integer, integer, bigint, integer, integer, boolean, boolean, bigint), quota_standing(bigint), turn_hour(bigint, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION vendor_quota(text, text, integer, interval, integer, text, boolean, integer, integer), take_call(bigint, integer, integer, boolean, integer, float8, float8),
  end_call(bigint, bigint, integer, integer, bigint, integer, integer, boolean, boolean, bigint), quota_standing(bigint) TO salesbook_app;

-- The functions of before serve the binary of before, with the same counts; it knows no permits.

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION take_quota(holder bigint, cost integer, burst_cost integer, burst_floor float8, daily_floor float8, OUT wait_ms bigint, OUT daily_spent boolean) LANGUAGE sql SECURITY DEFINER SET search_path = salesbook, pg_temp AS $$
  SELECT c.wait_ms, c.wait_for IN ('day', '24 hours') FROM take_call($1, $2, $3, false, 0, $4, $5) c
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION take_quota(bigint, integer, integer, float8, float8) IS 'take_call, as the version before knows it.';

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION learn_quota(holder bigint, burst_limit integer, burst_left integer, burst_reset_ms bigint, daily_limit integer, daily_left integer, refused boolean, retry_ms bigint) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = salesbook, pg_temp AS $$
  SELECT end_call($1, 0, $2, $3, $4, $5, $6, false, $7, $8)
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION learn_quota(bigint, integer, integer, bigint, integer, integer, boolean, bigint) IS 'end_call, as the version before knows it.';

-- +goose Down
SELECT 1;
