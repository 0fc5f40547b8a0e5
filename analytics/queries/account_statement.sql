-- What moved the balance of one account, and what was the balance after each event? Amounts in minor units. The balance
-- is NULL from the first event on of a kind that the view `delivered_events` does not list.
-- parameter account_id string, e.g. (SELECT max_by(subject, recordedtime) FROM domain_events)
SELECT
  version,
  event,
  occurred_at,
  recorded_at,
  reference,
  amount,
  CASE WHEN unknown = 0 THEN CAST(balance AS bigint) END AS balance
FROM (
  SELECT
    streamversion AS version,
    event,
    time AS occurred_at,
    recordedtime AS recorded_at,
    reference,
    signed_amount AS amount,
    count_if(effect IS NULL) OVER (ORDER BY streamversion ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS unknown,
    sum(CAST(signed_amount AS decimal(38, 0))) OVER (
      ORDER BY streamversion ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS balance
  FROM domain_events
  WHERE subject = :account_id
) AS statements
ORDER BY version
