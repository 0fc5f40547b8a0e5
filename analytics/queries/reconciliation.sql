-- Does the lake hold what was booked each day, as far as the lake itself can tell? For booking days from one to another
-- (both included): rows in the lake, events among them, rows delivered again, and the events there must be by the
-- accounts' versions, which have no gaps. `missing` are the holes between an account's events of these days, on the day
-- of the event after the hole. None can be seen before an account's first event of these days, nor after its last.
-- What came more than `late_days` after its own day is not held of that day, as in the report.
-- Independent of that is `daybook reconcile`, which compares the lake's ids with the event table's.
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
    coalesce(lag(newest) OVER (PARTITION BY subject ORDER BY day), oldest - 1) AS earlier
  FROM (
    SELECT
      CAST(recordedtime AS date) AS day,
      subject,
      count(*) AS deliveries,
      count(DISTINCT sequence) AS events,
      min(sequence) AS oldest,
      max(sequence) AS newest
    FROM events
    WHERE dt BETWEEN CAST(CAST(date_add('day', -1, :from_day) AS date) AS varchar)
      AND CAST(CAST(date_add('day', :late_days, :to_day) AS date) AS varchar)
      AND dt <= CAST(CAST(date_add('day', :late_days, CAST(recordedtime AS date)) AS date) AS varchar)
    GROUP BY CAST(recordedtime AS date), subject
  ) AS per_account
  WHERE day BETWEEN :from_day AND :to_day
) AS compared
GROUP BY day
ORDER BY day
