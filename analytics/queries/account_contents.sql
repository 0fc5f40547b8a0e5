-- Which contents of events booked before a moment does the lake hold of some accounts? A row for each different one,
-- with its digest (view `event_digests`). `accounts` are their ids, with a comma before and after each.
-- `daybook verify --all` asks it where an account's contents differ from the event table.
-- parameter settled timestamp, e.g. CAST(current_timestamp - INTERVAL '1' HOUR AS timestamp)
-- parameter accounts string, e.g. ',00000000-0000-4000-8000-000000000000,'
SELECT DISTINCT subject AS account_id, streamversion AS version, digest
FROM event_digests
WHERE recordedtime < :settled
  AND subject IS NOT NULL
  AND streamversion IS NOT NULL
  AND strpos(:accounts, ',' || subject || ',') > 0
ORDER BY account_id, version, digest
