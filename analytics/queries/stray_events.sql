-- Which rows of the lake does no comparison of days see, though the views count them? Those without an id, account,
-- version or booking time, those whose id is not of their account and version, and those of some days in partitions
-- before `from_dt` (YYYY-MM-DD): nothing arrives before it is booked. It reads these columns of the whole lake.
-- `daybook reconcile` asks it. All is well without a row.
-- parameter from_dt string, e.g. CAST(CAST(current_date - INTERVAL '8' DAY AS date) AS varchar)
-- parameter first_day date, e.g. current_date - INTERVAL '7' DAY
-- parameter last_day date, e.g. current_date - INTERVAL '1' DAY
SELECT DISTINCT id, subject AS account_id, streamversion AS version
FROM delivered_events
WHERE id IS NULL
  OR subject IS NULL
  OR streamversion IS NULL
  OR recordedtime IS NULL
  OR id <> subject || '/' || CAST(streamversion AS varchar)
  OR (dt < :from_dt AND CAST(recordedtime AS date) BETWEEN :first_day AND :last_day)
ORDER BY id, account_id, version
