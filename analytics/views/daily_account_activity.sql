-- What happened on each account on each booking day (the day in UTC of `recordedtime`); amounts in minor units.
-- An account's closing carries no currency: it is the account's own, from its other events.
-- column day date
-- column account_id string
-- column currency string
-- column events bigint
-- column credits bigint
-- column credited bigint
-- column withdrawals bigint
-- column withdrawn bigint
-- column transfers_in bigint
-- column transferred_in bigint
-- column transfers_out bigint
-- column transferred_out bigint
-- column net bigint
SELECT
  day,
  account_id,
  account_currency AS currency,
  count(*) AS events,
  count_if(event = 'BalanceCredited') AS credits,
  CAST(sum(CASE WHEN event = 'BalanceCredited' THEN amount ELSE 0 END) AS bigint) AS credited,
  count_if(event = 'BalanceWithdrawn') AS withdrawals,
  CAST(sum(CASE WHEN event = 'BalanceWithdrawn' THEN amount ELSE 0 END) AS bigint) AS withdrawn,
  count_if(event = 'TransferReceived') AS transfers_in,
  CAST(sum(CASE WHEN event = 'TransferReceived' THEN amount ELSE 0 END) AS bigint) AS transferred_in,
  count_if(event = 'TransferSent') AS transfers_out,
  CAST(sum(CASE WHEN event = 'TransferSent' THEN amount ELSE 0 END) AS bigint) AS transferred_out,
  CAST(sum(signed_amount) AS bigint) AS net
FROM (
  SELECT
    CAST(recordedtime AS date) AS day,
    subject AS account_id,
    max(currency) OVER (PARTITION BY subject) AS account_currency,
    event,
    amount,
    signed_amount
  FROM domain_events
) AS booked
GROUP BY day, account_id, account_currency
