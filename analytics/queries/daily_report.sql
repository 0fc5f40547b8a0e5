-- The daily report: what was booked on a day (in UTC) in each currency; amounts in minor units. Transfers are counted
-- once, on the sender's side; `net` is the change of all balances in the currency.
-- It reads only partitions that can hold the day's events: a file's `dt` is the arrival of its oldest record, up to
-- `late_days` after the day. A larger `late_days` also counts later events, such as a dead letter that was replayed.
-- parameter day date, e.g. current_date - INTERVAL '1' DAY
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
  WHERE dt BETWEEN CAST(CAST(date_add('day', -1, :day) AS date) AS varchar)
    AND CAST(CAST(date_add('day', :late_days, :day) AS date) AS varchar)
) AS deliveries
WHERE delivery = 1
  AND CAST(recordedtime AS date) = :day
GROUP BY CAST(recordedtime AS date), currency
ORDER BY currency
