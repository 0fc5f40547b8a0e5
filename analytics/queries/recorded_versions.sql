-- Which versions of each account does the lake hold of what was booked from one day to another (both included, before a
-- moment), and arrived from one day to another? A row is a run of versions without a gap, and an account that is whole
-- has one a day: few rows, though every event is told. `reconcile` holds them against the event table.
-- parameter from_day date, e.g. current_date - INTERVAL '1' DAY
-- parameter to_day date, e.g. current_date - INTERVAL '1' DAY
-- parameter before timestamp, e.g. CAST(current_date AS timestamp)
-- parameter arrived_from date, e.g. current_date - INTERVAL '2' DAY
-- parameter arrived_to date, e.g. current_date + INTERVAL '2' DAY
SELECT day, account_id, min(version) AS first_version, max(version) AS last_version
FROM (
  SELECT day, account_id, version, version - row_number() OVER (PARTITION BY day, account_id ORDER BY version) AS run
  FROM (
    SELECT DISTINCT CAST(recordedtime AS date) AS day, subject AS account_id, sequence AS version
    FROM events
    WHERE dt BETWEEN CAST(CAST(:arrived_from AS date) AS varchar) AND CAST(CAST(:arrived_to AS date) AS varchar)
      AND CAST(recordedtime AS date) BETWEEN :from_day AND :to_day
      AND recordedtime < :before
  ) AS distinct_events
) AS numbered
GROUP BY day, account_id, run
ORDER BY day, account_id, first_version
