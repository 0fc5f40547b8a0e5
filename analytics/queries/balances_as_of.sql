-- What was the balance of every account at a moment, as the ledger knew it then (by `recordedtime`)? In minor units.
-- The resolution is one millisecond, as Athena's: every event of the given millisecond counts.
-- parameter at timestamp, e.g. CAST(current_date AS timestamp)
SELECT
  subject AS account_id,
  max(currency) AS currency,
  CAST(sum(signed_amount) AS bigint) AS balance,
  max(streamversion) AS version
FROM domain_events
WHERE date_trunc('millisecond', recordedtime) <= :at
GROUP BY subject
ORDER BY subject
