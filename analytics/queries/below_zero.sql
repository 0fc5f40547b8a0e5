-- Which accounts were below zero after an event, how often, and how deep against their overdraft limit (minor units)?
SELECT
  subject AS account_id,
  max(account_limit) AS overdraft_limit,
  min(balance) AS lowest_balance,
  count(*) AS events_below_zero,
  min(streamversion) AS first_version
FROM (
  SELECT
    subject,
    streamversion,
    max(overdraft_limit) OVER (PARTITION BY subject) AS account_limit,
    CAST(
      sum(signed_amount) OVER (
        PARTITION BY subject ORDER BY streamversion ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
      ) AS bigint
    ) AS balance
  FROM domain_events
) AS statements
WHERE balance < 0
GROUP BY subject
ORDER BY lowest_balance, account_id
