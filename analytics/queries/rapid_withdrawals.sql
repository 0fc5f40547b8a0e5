-- From which accounts was money taken out at least `times` times within a minute, and when did that begin and end?
-- One row for each withdrawal that completes such a series; booking days from one to another, both included.
-- A series may have begun on the day before the first, so that day is read too. Events that arrived more than
-- `late_days` after their day are left out, so a day's series are the same in every range; so are test accounts.
-- parameter from_day date, e.g. current_date - INTERVAL '7' DAY
-- parameter to_day date, e.g. current_date - INTERVAL '1' DAY
-- parameter late_days integer, or 3
-- parameter times integer, e.g. 10
SELECT subject AS account_id, began_at, recordedtime AS ended_at, streamversion AS version
FROM (
  SELECT
    subject,
    streamversion,
    recordedtime,
    lag(recordedtime, :times - 1) OVER (PARTITION BY subject ORDER BY streamversion) AS began_at
  FROM (
    SELECT *, row_number() OVER (PARTITION BY id, CAST(recordedtime AS date)
      ORDER BY recordedtime DESC, dt, rowhash) AS delivery
    FROM delivered_events
    WHERE dt BETWEEN CAST(CAST(date_add('day', -2, :from_day) AS date) AS varchar)
      AND CAST(CAST(date_add('day', :late_days, :to_day) AS date) AS varchar)
      AND dt <= CAST(CAST(date_add('day', :late_days, CAST(recordedtime AS date)) AS date) AS varchar)
  ) AS deliveries
  WHERE delivery = 1
    AND NOT is_test
    AND effect = 'withdrawal'
    AND CAST(recordedtime AS date) BETWEEN CAST(date_add('day', -1, :from_day) AS date) AND :to_day
) AS withdrawals
WHERE recordedtime < date_add('minute', 1, began_at)
  AND CAST(recordedtime AS date) BETWEEN :from_day AND :to_day
ORDER BY account_id, version
