-- Does the lake hold what was booked each day, as far as the lake itself can tell? For booking days from one to another
-- (both included): rows in the lake, distinct events, redelivered rows (duplicates), and the events that must exist by
-- the accounts' versions, which have no gaps. `missing` counts the gaps between an account's events of these days, on
-- the day of the event after the gap. A gap before an account's first event of these days, or after its last, is not
-- found. Versions that are booked on an earlier day too count on each: no account's gap is below
-- zero and hides another's.
-- Events that arrived more than `late_days` after their own day do not count, as in the report.
-- `daybook reconcile` does not depend on this: it compares the lake's ids with the event table's.
-- parameter from_day date, e.g. current_date - INTERVAL '7' DAY
-- parameter to_day date, e.g. current_date - INTERVAL '1' DAY
-- parameter late_days integer, or 3
SELECT
  day,
  CAST(sum(deliveries) AS bigint) AS lake_rows,
  CAST(sum(events) AS bigint) AS events,
  CAST(sum(deliveries - events) AS bigint) AS delivered_again,
  CAST(sum(newest - earlier) AS bigint) AS expected,
  CAST(sum(newest - earlier - events) AS bigint) AS missing
FROM (
  SELECT
    day,
    deliveries,
    events,
    newest,
    least(
      coalesce(lag(newest) OVER (PARTITION BY subject ORDER BY newest, day), oldest - 1),
      oldest - 1
    ) AS earlier
  FROM (
    SELECT
      CAST(recordedtime AS date) AS day,
      subject,
      count(*) AS deliveries,
      count(DISTINCT streamversion) AS events,
      min(streamversion) AS oldest,
      max(streamversion) AS newest
    FROM delivered_events
    WHERE dt BETWEEN CAST(CAST(date_add('day', -1, :from_day) AS date) AS varchar)
      AND CAST(CAST(date_add('day', :late_days, :to_day) AS date) AS varchar)
      AND dt <= CAST(CAST(date_add('day', :late_days, CAST(recordedtime AS date)) AS date) AS varchar)
    GROUP BY CAST(recordedtime AS date), subject
  ) AS per_account
  WHERE day BETWEEN :from_day AND :to_day
) AS compared
GROUP BY day
ORDER BY day
