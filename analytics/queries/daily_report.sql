-- The daily report: what was booked on a day (in UTC) in each currency; amounts in minor units. Transfers are counted
-- once, on the sender's side; `net` is the change of all balances in the currency, or
-- NULL if there is an event of a kind that the view `delivered_events` does not list. Test accounts are left out.
-- It reads only partitions that can hold the day's events: a file's `dt` is the arrival of its oldest record, up to
-- `late_days` after the day. A larger `late_days` also counts later events, such as a dead letter that was replayed.
-- parameter day date, e.g. current_date - INTERVAL '1' DAY
-- parameter late_days integer, or 3
SELECT
  CAST(recordedtime AS date) AS day,
  currency,
  count(*) AS events,
  count(DISTINCT subject) AS active_accounts,
  count_if(effect = 'opening') AS opened,
  count_if(effect = 'closing') AS closed,
  count_if(effect = 'credit') AS credits,
  sum(CASE WHEN effect = 'credit' THEN CAST(amount AS decimal(38, 0)) ELSE 0 END) AS credited,
  count_if(effect = 'withdrawal') AS withdrawals,
  sum(CASE WHEN effect = 'withdrawal' THEN CAST(amount AS decimal(38, 0)) ELSE 0 END) AS withdrawn,
  count_if(effect = 'transfer') AS transfers,
  sum(CASE WHEN effect = 'transfer' THEN CAST(amount AS decimal(38, 0)) ELSE 0 END) AS transferred,
  CASE WHEN count(effect) = count(*) THEN sum(CAST(signed_amount AS decimal(38, 0))) END AS net
FROM (
  SELECT *, row_number() OVER (PARTITION BY id, CAST(recordedtime AS date)
    ORDER BY recordedtime DESC, dt, rowhash) AS delivery
  FROM delivered_events
  WHERE dt BETWEEN CAST(CAST(date_add('day', -1, :day) AS date) AS varchar)
    AND CAST(CAST(date_add('day', :late_days, :day) AS date) AS varchar)
) AS deliveries
WHERE delivery = 1
  AND NOT is_test
  AND CAST(recordedtime AS date) = :day
GROUP BY CAST(recordedtime AS date), currency
ORDER BY currency
