-- Which domain events were booked from one day to another (both included, days in UTC), each once?
-- A file's `dt` is the arrival of its oldest record: a day's events lie in the partitions from the day before to three
-- days after, and filtering those first is what keeps the query cheap.
-- parameter from_day date
-- parameter to_day date
SELECT id, type, subject, sequence, time, recordedtime, correlationid, causationid, data
FROM (
  SELECT *, row_number() OVER (PARTITION BY id ORDER BY dt) AS delivery
  FROM events
  WHERE dt BETWEEN CAST(CAST(date_add('day', -1, :from_day) AS date) AS varchar)
    AND CAST(CAST(date_add('day', 3, :to_day) AS date) AS varchar)
) AS deliveries
WHERE delivery = 1
  AND CAST(recordedtime AS date) BETWEEN :from_day AND :to_day
ORDER BY subject, sequence
