-- The state of each account after its newest event: status, balance in minor units, overdraft limit, version, and the
-- time of that event. Status and limit are those of the newest event that sets them. Status, balance and limit are NULL
-- if the account has an event of a kind that the view `delivered_events` does not list. Test accounts are left out.
-- column account_id string
-- column status string
-- column currency string
-- column balance bigint
-- column overdraft_limit bigint
-- column version bigint
-- column updated_at timestamp
SELECT
  account_id,
  CASE WHEN known THEN coalesce(status, 'open') END AS status,
  currency,
  CASE WHEN known THEN CAST(balance AS bigint) END AS balance,
  CASE WHEN known THEN coalesce(overdraft_limit, 0) END AS overdraft_limit,
  version,
  updated_at
FROM (
  SELECT
    subject AS account_id,
    count(effect) = count(*) AS known,
    max_by(status, streamversion) FILTER (WHERE status IS NOT NULL) AS status,
    max_by(currency, streamversion) AS currency,
    sum(CAST(signed_amount AS decimal(38, 0))) AS balance,
    max_by(overdraft_limit, streamversion) FILTER (WHERE overdraft_limit IS NOT NULL) AS overdraft_limit,
    max(streamversion) AS version,
    max_by(recordedtime, streamversion) AS updated_at
  FROM domain_events
  WHERE NOT is_test
  GROUP BY subject
) AS folded
