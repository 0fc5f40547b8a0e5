-- Which events are missing from the lake? Versions of an account have no gaps, so a gap in `streamversion` shows them.
-- An event that is missing after an account's last one here is not found.
SELECT subject AS account_id, previous + 1 AS first_missing, streamversion - 1 AS last_missing
FROM (
  SELECT
    subject,
    streamversion,
    lag(streamversion, 1, CAST(0 AS bigint)) OVER (PARTITION BY subject ORDER BY streamversion) AS previous
  FROM domain_events
) AS neighbours
WHERE streamversion <> previous + 1
ORDER BY account_id, first_missing
