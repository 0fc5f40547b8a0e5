-- The daily report's figures of each account on each booking day (the day in UTC of `recordedtime`): added up by day
-- and currency they are the rows of the query `daily_report`. Amounts in minor units; a transfer is counted once, for
-- its sender, and `transfers_in` is the receiver's side of the same ones. `net` is NULL if
-- there is an event of a kind that the view `delivered_events` does not list. Test accounts are left out.
-- column day date
-- column account_id string
-- column currency string
-- column events bigint
-- column opened bigint
-- column closed bigint
-- column credits bigint
-- column credited decimal(38,0)
-- column withdrawals bigint
-- column withdrawn decimal(38,0)
-- column transfers bigint
-- column transferred decimal(38,0)
-- column transfers_in bigint
-- column transferred_in decimal(38,0)
-- column net decimal(38,0)
SELECT
  CAST(recordedtime AS date) AS day,
  subject AS account_id,
  currency,
  count(*) AS events,
  count_if(effect = 'opening') AS opened,
  count_if(effect = 'closing') AS closed,
  count_if(effect = 'credit') AS credits,
  sum(CASE WHEN effect = 'credit' THEN CAST(amount AS decimal(38, 0)) ELSE 0 END) AS credited,
  count_if(effect = 'withdrawal') AS withdrawals,
  sum(CASE WHEN effect = 'withdrawal' THEN CAST(amount AS decimal(38, 0)) ELSE 0 END) AS withdrawn,
  count_if(effect = 'transfer') AS transfers,
  sum(CASE WHEN effect = 'transfer' THEN CAST(amount AS decimal(38, 0)) ELSE 0 END) AS transferred,
  count_if(effect = 'transfer in') AS transfers_in,
  sum(CASE WHEN effect = 'transfer in' THEN CAST(amount AS decimal(38, 0)) ELSE 0 END) AS transferred_in,
  CASE WHEN count(effect) = count(*) THEN sum(CAST(signed_amount AS decimal(38, 0))) END AS net
FROM domain_events
WHERE NOT is_test
GROUP BY CAST(recordedtime AS date), subject, currency
