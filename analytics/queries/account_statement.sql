-- What moved the balance of one account, and what was the balance after each event? Amounts in minor units.
-- parameter account_id string, e.g. (SELECT max_by(subject, recordedtime) FROM domain_events)
SELECT
  streamversion AS version,
  event,
  time AS occurred_at,
  recordedtime AS recorded_at,
  reference,
  signed_amount AS amount,
  CAST(sum(signed_amount) OVER (ORDER BY streamversion ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS bigint)
    AS balance
FROM domain_events
WHERE subject = :account_id
ORDER BY streamversion
