-- An account whose day is spent is asked once an hour whether the vendor's day has begun anew: nobody documents at which
-- hour it does, and one refusal right after our midnight kept everybody away until the next.

-- +goose Up
ALTER TABLE vendor_accounts ADD COLUMN probed_at timestamptz;
COMMENT ON COLUMN vendor_accounts.probed_at IS 'When a call was last let through although the day was spent, to ask whether it still is.';

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION take_quota(holder bigint, cost integer, burst_cost integer, burst_floor float8, daily_floor float8, OUT wait_ms bigint, OUT daily_spent boolean) LANGUAGE plpgsql SECURITY DEFINER SET search_path = salesbook, pg_temp AS $$
DECLARE
  a vendor_accounts; b vendor_bursts; t timestamptz; today date; slice integer;
  capacity float8; rate float8; have float8; want float8; ask timestamptz;
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
    -- We may be wrong about when the vendor's day begins. One call an hour asks, of an account that has ever told what is left.
    ask := greatest(a.learnt_at, a.probed_at) + interval '1 hour';
    IF ask IS NULL OR ask > t THEN
      wait_ms := ceil(extract(epoch FROM least((today + 1)::timestamp AT TIME ZONE a.daily_zone, ask) - t) * 1000);
      daily_spent := true;
      RETURN;
    END IF;
    UPDATE vendor_accounts v SET probed_at = t WHERE v.id = holder;
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
    b.reserved := greatest(0, b.reserved - cost);
  END IF;
  UPDATE vendor_bursts v SET tokens = b.tokens, at = b.at, reserved = b.reserved, day = b.day WHERE v.account_id = holder;
END $$;
-- +goose StatementEnd
COMMENT ON FUNCTION take_quota(bigint, integer, integer, float8, float8) IS 'Reserves one call on a vendor account for any workspace''s connection: 0, or how long to keep away. A lane leaves the share burst_floor of the bucket and daily_floor of the day to more urgent ones.';

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION learn_quota(holder bigint, burst_limit integer, burst_left integer, burst_reset_ms bigint, daily_limit integer, daily_left integer, refused boolean, retry_ms bigint) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = salesbook, pg_temp AS $$
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
COMMENT ON FUNCTION learn_quota(bigint, integer, integer, bigint, integer, integer, boolean, bigint) IS 'Records what a vendor''s answer told of the quota, for every connection to that account.';

-- +goose Down
SELECT 1;
