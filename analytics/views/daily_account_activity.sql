-- The daily report's figures of each account on each booking day (the day in UTC of `recordedtime`): added up by day
-- and currency they are the rows of the query `daily_report`. Amounts in minor units; a transfer is counted once, for
-- its sender, and `transfers_in` is the receiver's side of the same ones.
-- column day date
-- column account_id string
-- column currency string
-- column events bigint
-- column opened bigint
-- column closed bigint
-- column credits bigint
-- column credited bigint
-- column withdrawals bigint
-- column withdrawn bigint
-- column transfers bigint
-- column transferred bigint
-- column transfers_in bigint
-- column transferred_in bigint
-- column net bigint
SELECT
  CAST(recordedtime AS date) AS day,
  subject AS account_id,
  currency,
  count(*) AS events,
  count_if(event = 'AccountCreated') AS opened,
  count_if(event = 'AccountClosed') AS closed,
  count_if(event = 'BalanceCredited') AS credits,
  CAST(sum(CASE WHEN event = 'BalanceCredited' THEN amount ELSE 0 END) AS bigint) AS credited,
  count_if(event = 'BalanceWithdrawn') AS withdrawals,
  CAST(sum(CASE WHEN event = 'BalanceWithdrawn' THEN amount ELSE 0 END) AS bigint) AS withdrawn,
  count_if(event = 'TransferSent') AS transfers,
  CAST(sum(CASE WHEN event = 'TransferSent' THEN amount ELSE 0 END) AS bigint) AS transferred,
  count_if(event = 'TransferReceived') AS transfers_in,
  CAST(sum(CASE WHEN event = 'TransferReceived' THEN amount ELSE 0 END) AS bigint) AS transferred_in,
  CAST(sum(signed_amount) AS bigint) AS net
FROM domain_events
GROUP BY CAST(recordedtime AS date), subject, currency
