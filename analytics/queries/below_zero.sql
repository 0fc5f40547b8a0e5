-- Which accounts were below zero after an event, how often, and how deep against their overdraft limit (minor units)?
-- `overdraft_limit` is the account's limit today. What came after an event of a kind that the view `delivered_events`
-- does not list is left out, and so are test accounts.
SELECT
  subject AS account_id,
  max(account_limit) AS overdraft_limit,
  CAST(min(balance) AS bigint) AS lowest_balance,
  count(*) AS events_below_zero,
  min(streamversion) AS first_version
FROM (
  SELECT
    subject,
    streamversion,
    coalesce(
      last_value(overdraft_limit) IGNORE NULLS OVER (
        PARTITION BY subject ORDER BY streamversion ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
      ), 0
    ) AS account_limit,
    count_if(effect IS NULL) OVER (
      PARTITION BY subject ORDER BY streamversion ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS unknown,
    sum(CAST(signed_amount AS decimal(38, 0))) OVER (
      PARTITION BY subject ORDER BY streamversion ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS balance
  FROM domain_events
  WHERE NOT is_test
) AS statements
WHERE balance < 0 AND unknown = 0
GROUP BY subject
ORDER BY lowest_balance, account_id
