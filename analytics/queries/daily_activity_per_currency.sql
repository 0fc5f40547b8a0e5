-- How much moved in each currency on each booking day from one day to another (both included)? Amounts in minor units.
-- Transfers are counted once, on the sender's side; `net` is what the balances of all accounts changed by.
-- parameter from_day date
-- parameter to_day date
SELECT
  CAST(recordedtime AS date) AS day,
  currency,
  count(DISTINCT subject) AS active_accounts,
  count_if(event = 'BalanceCredited') AS credits,
  CAST(sum(CASE WHEN event = 'BalanceCredited' THEN amount ELSE 0 END) AS bigint) AS credited,
  count_if(event = 'BalanceWithdrawn') AS withdrawals,
  CAST(sum(CASE WHEN event = 'BalanceWithdrawn' THEN amount ELSE 0 END) AS bigint) AS withdrawn,
  count_if(event = 'TransferSent') AS transfers,
  CAST(sum(CASE WHEN event = 'TransferSent' THEN amount ELSE 0 END) AS bigint) AS transferred,
  CAST(
    sum(
      CASE
        WHEN event IN ('BalanceCredited', 'TransferReceived') THEN amount
        WHEN event IN ('BalanceWithdrawn', 'TransferSent') THEN -amount
        ELSE 0
      END
    ) AS bigint
  ) AS net
FROM (
  SELECT
    split_part(type, '.', 3) AS event,
    subject,
    recordedtime,
    data.currency AS currency,
    data.amount AS amount,
    row_number() OVER (PARTITION BY id ORDER BY dt) AS delivery
  FROM events
  WHERE dt BETWEEN CAST(CAST(date_add('day', -1, :from_day) AS date) AS varchar)
    AND CAST(CAST(date_add('day', 3, :to_day) AS date) AS varchar)
) AS deliveries
WHERE delivery = 1
  AND CAST(recordedtime AS date) BETWEEN :from_day AND :to_day
  AND event <> 'AccountClosed'
GROUP BY CAST(recordedtime AS date), currency
ORDER BY day, currency
