-- The daily report's figures of each booking day from one day to another (both included): amounts in minor units.
-- Transfers are counted once, on the sender's side; `net` is the change of all accounts' balances. Each day's
-- events count up to `late_days` after that day, whatever the last day is, so a day's figures are the same in every
-- range.
-- parameter from_day date, e.g. current_date - INTERVAL '7' DAY
-- parameter to_day date, e.g. current_date - INTERVAL '1' DAY
-- parameter late_days integer, or 3
SELECT
  CAST(recordedtime AS date) AS day,
  currency,
  count(*) AS events,
  count(DISTINCT subject) AS active_accounts,
  count_if(event = 'AccountCreated') AS opened,
  count_if(event = 'AccountClosed') AS closed,
  count_if(event = 'BalanceCredited') AS credits,
  CAST(sum(CASE WHEN event = 'BalanceCredited' THEN amount ELSE 0 END) AS bigint) AS credited,
  count_if(event = 'BalanceWithdrawn') AS withdrawals,
  CAST(sum(CASE WHEN event = 'BalanceWithdrawn' THEN amount ELSE 0 END) AS bigint) AS withdrawn,
  count_if(event = 'TransferSent') AS transfers,
  CAST(sum(CASE WHEN event = 'TransferSent' THEN amount ELSE 0 END) AS bigint) AS transferred,
  CAST(sum(signed_amount) AS bigint) AS net
FROM (
  SELECT *, row_number() OVER (PARTITION BY id ORDER BY dt) AS delivery
  FROM delivered_events
  WHERE dt BETWEEN CAST(CAST(date_add('day', -1, :from_day) AS date) AS varchar)
    AND CAST(CAST(date_add('day', :late_days, :to_day) AS date) AS varchar)
    AND dt <= CAST(CAST(date_add('day', :late_days, CAST(recordedtime AS date)) AS date) AS varchar)
) AS deliveries
WHERE delivery = 1
  AND CAST(recordedtime AS date) BETWEEN :from_day AND :to_day
GROUP BY CAST(recordedtime AS date), currency
ORDER BY day, currency
