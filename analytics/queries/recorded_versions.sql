-- Which versions of each account does the lake hold of what was booked from one day to another (both included)? A row
-- is a run of versions without a gap: an account without gaps has one row a day, so few rows stand for every event.
-- Events that arrived more than `late_days` after their own day are left out. `daybook reconcile` compares the rest
-- with the event table.
-- parameter from_day date, e.g. current_date - INTERVAL '7' DAY
-- parameter to_day date, e.g. current_date - INTERVAL '1' DAY
-- parameter late_days integer, or 3
SELECT day, account_id, min(version) AS first_version, max(version) AS last_version
FROM (
  SELECT
    CAST(recordedtime AS date) AS day,
    subject AS account_id,
    streamversion AS version,
    streamversion - row_number() OVER (PARTITION BY CAST(recordedtime AS date), subject ORDER BY streamversion) AS run
  FROM (
    SELECT *, row_number() OVER (PARTITION BY id, CAST(recordedtime AS date) ORDER BY recordedtime DESC, dt)
      AS delivery
    FROM events
    WHERE dt BETWEEN CAST(CAST(date_add('day', -1, :from_day) AS date) AS varchar)
      AND CAST(CAST(date_add('day', :late_days, :to_day) AS date) AS varchar)
      AND dt <= CAST(CAST(date_add('day', :late_days, CAST(recordedtime AS date)) AS date) AS varchar)
  ) AS deliveries
  WHERE delivery = 1
    AND CAST(recordedtime AS date) BETWEEN :from_day AND :to_day
) AS numbered
GROUP BY day, account_id, run
ORDER BY day, account_id, first_version
