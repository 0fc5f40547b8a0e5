-- Does the lake hold what was booked each day? For booking days from one to another (both included): rows in the lake,
-- events among them, rows delivered again, and the events there must be by the accounts' versions: an account's newest
-- version of the day less its newest one before. `missing` is zero when the lake is complete; an event that is missing
-- at the end of a day shows on the account's next one.
-- parameter from_day date
-- parameter to_day date
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
    lag(newest, 1, CAST(0 AS bigint)) OVER (PARTITION BY subject ORDER BY day) AS earlier
  FROM (
    SELECT
      CAST(recordedtime AS date) AS day,
      subject,
      count(*) AS deliveries,
      count(DISTINCT id) AS events,
      max(sequence) AS newest
    FROM events
    GROUP BY CAST(recordedtime AS date), subject
  ) AS per_account
) AS compared
WHERE day BETWEEN :from_day AND :to_day
GROUP BY day
ORDER BY day
