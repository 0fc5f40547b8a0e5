-- The state of each account after its newest event: status, balance in minor units, version, time of that event.
-- column account_id string
-- column status string
-- column currency string
-- column balance bigint
-- column overdraft_limit bigint
-- column version bigint
-- column updated_at timestamp
SELECT
  subject AS account_id,
  CASE WHEN count_if(event = 'AccountClosed') > 0 THEN 'closed' ELSE 'open' END AS status,
  max(currency) AS currency,
  CAST(sum(signed_amount) AS bigint) AS balance,
  max(overdraft_limit) AS overdraft_limit,
  max(streamversion) AS version,
  max(recordedtime) AS updated_at
FROM domain_events
GROUP BY subject
