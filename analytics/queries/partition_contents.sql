-- Which contents does the lake hold in its partitions from one `dt` to another (both included, YYYY-MM-DD), under which
-- account and version, whenever they were booked? A row for each different content, with its digest (view
-- `event_digests`). `daybook reconcile` asks this when the digests of whole runs differ.
-- parameter from_dt string, e.g. CAST(CAST(current_date - INTERVAL '7' DAY AS date) AS varchar)
-- parameter to_dt string, e.g. CAST(current_date AS varchar)
SELECT DISTINCT subject AS account_id, streamversion AS version, digest
FROM event_digests
WHERE dt BETWEEN :from_dt AND :to_dt
  AND subject IS NOT NULL
  AND streamversion IS NOT NULL
ORDER BY account_id, version, digest
