-- Which rows of the lake does no comparison of contents see? Those without an account, a version or a booking time, and
-- those that are booked at a moment or later: tomorrow, say, when nothing can be booked yet. All is well without a row.
-- `daybook verify --all` asks it.
-- parameter latest timestamp, e.g. CAST(current_timestamp + INTERVAL '1' DAY AS timestamp)
SELECT DISTINCT id, subject AS account_id, streamversion AS version, digest
FROM event_digests
WHERE subject IS NULL
  OR streamversion IS NULL
  OR recordedtime IS NULL
  OR recordedtime >= :latest
ORDER BY id, account_id, version, digest
