-- Which domain events were booked from one day to another (both included, days in UTC), each once?
-- A file's `dt` is the arrival of its oldest record: a day's events are in the partitions from the day before to three
-- days after (`late_days`). The query is cheap as it filters those first. Later events are left out in every range:
-- the constant bounds on `dt` skip partitions, and the bound by `recordedtime` gives each day the same events.
-- parameter from_day date, e.g. current_date - INTERVAL '7' DAY
-- parameter to_day date, e.g. current_date - INTERVAL '1' DAY
-- parameter late_days integer, or 3
SELECT id, type, subject, streamversion, time, recordedtime, rowhash, correlationid, causationid, data
FROM (
  SELECT *, row_number() OVER (PARTITION BY id, CAST(recordedtime AS date)
    ORDER BY recordedtime DESC, dt, rowhash) AS delivery
  FROM (
    SELECT events.*
    FROM events
    LEFT JOIN revocations
      ON revocations.account_id = events.subject
      AND events.streamversion > revocations.last_good_version
      AND events.recordedtime < revocations.recordedtime
    WHERE revocations.account_id IS NULL
      AND coalesce(events.source, '') <> '/daybook/ledger'
  ) AS standing
  WHERE dt BETWEEN CAST(CAST(date_add('day', -1, :from_day) AS date) AS varchar)
    AND CAST(CAST(date_add('day', :late_days, :to_day) AS date) AS varchar)
    AND dt <= CAST(CAST(date_add('day', :late_days, CAST(recordedtime AS date)) AS date) AS varchar)
) AS deliveries
WHERE delivery = 1
  AND CAST(recordedtime AS date) BETWEEN :from_day AND :to_day
ORDER BY subject, streamversion
