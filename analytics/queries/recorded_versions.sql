-- Which versions of each account does the lake hold of what was booked from one day to another (both included)? A row
-- is a run of versions without a gap: an account without gaps has one row a day, so few rows stand for every event.
-- `digest` is SHA-256 over the digests (view `event_digests`) of their contents in order; all is well if an event has
-- one. Events that arrived more than `late_days` after their own day are left out. `daybook reconcile` compares the
-- rest with the event table.
-- parameter from_day date, e.g. current_date - INTERVAL '7' DAY
-- parameter to_day date, e.g. current_date - INTERVAL '1' DAY
-- parameter late_days integer, or 3
SELECT
  day,
  account_id,
  min(version) AS first_version,
  max(version) AS last_version,
  to_hex(sha256(to_utf8(array_join(array_agg(digest ORDER BY version, digest), '')))) AS digest
FROM (
  SELECT
    day,
    account_id,
    version,
    digest,
    version - dense_rank() OVER (PARTITION BY day, account_id ORDER BY version) AS run
  FROM (
    SELECT DISTINCT CAST(recordedtime AS date) AS day, subject AS account_id, streamversion AS version, digest
    FROM event_digests
    WHERE dt BETWEEN CAST(CAST(date_add('day', -1, :from_day) AS date) AS varchar)
      AND CAST(CAST(date_add('day', :late_days, :to_day) AS date) AS varchar)
      AND dt <= CAST(CAST(date_add('day', :late_days, CAST(recordedtime AS date)) AS date) AS varchar)
  ) AS delivered
  WHERE day BETWEEN :from_day AND :to_day
    AND account_id IS NOT NULL
    AND version IS NOT NULL
) AS numbered
GROUP BY day, account_id, run
ORDER BY day, account_id, first_version
