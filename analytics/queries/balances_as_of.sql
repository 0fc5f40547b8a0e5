-- What was the balance of every account at a moment, as the ledger knew it then (by `recordedtime`)? In minor units.
-- Every event of the given millisecond counts. The balance is NULL if the account had an event of a kind that the view
-- `delivered_events` does not list. Test accounts are left out.
-- parameter at timestamp, e.g. CAST(current_date AS timestamp)
SELECT
  subject AS account_id,
  max_by(currency, streamversion) AS currency,
  CASE WHEN count(effect) = count(*) THEN CAST(sum(CAST(signed_amount AS decimal(38, 0))) AS bigint) END AS balance,
  max(streamversion) AS version
FROM domain_events
WHERE recordedtime <= :at
  AND NOT is_test
GROUP BY subject
ORDER BY subject
