-- The daily report's figures of each booking day from one day to another (both included): amounts in minor units.
-- Transfers are counted once, on the sender's side; `net` is the change of all accounts' balances, or NULL
-- if there is an event of a kind that the view `delivered_events` does not list. Each day's events count up to
-- `late_days` after that day, whatever the last day is, so a day's figures are the same in every range. Test accounts
-- are left out.
-- parameter from_day date, e.g. current_date - INTERVAL '7' DAY
-- parameter to_day date, e.g. current_date - INTERVAL '1' DAY
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
  WHERE dt BETWEEN CAST(CAST(date_add('day', -1, :from_day) AS date) AS varchar)
    AND CAST(CAST(date_add('day', :late_days, :to_day) AS date) AS varchar)
    AND dt <= CAST(CAST(date_add('day', :late_days, CAST(recordedtime AS date)) AS date) AS varchar)
) AS deliveries
WHERE delivery = 1
  AND NOT is_test
  AND CAST(recordedtime AS date) BETWEEN :from_day AND :to_day
GROUP BY CAST(recordedtime AS date), currency
ORDER BY day, currency
