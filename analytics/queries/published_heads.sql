-- Up to which version does the lake hold each account of what was booked up to a moment, what is the hash of that
-- event's row, and what was the balance then, in minor units? It reads these columns of the whole lake.
-- `daybook restore check` compares it with the restored event table: the same hash is the same history up to there.
-- The balance is NULL if the account had an event of a kind that the view `delivered_events` does not list.
-- parameter at timestamp, e.g. CAST(current_date AS timestamp)
SELECT
  subject AS account_id,
  max(streamversion) AS version,
  max_by(rowhash, streamversion) AS rowhash,
  max_by(currency, streamversion) AS currency,
  CASE WHEN count(effect) = count(*) THEN CAST(sum(CAST(signed_amount AS decimal(38, 0))) AS bigint) END AS balance
FROM domain_events
WHERE recordedtime <= :at
  AND streamversion IS NOT NULL
GROUP BY subject
ORDER BY subject
