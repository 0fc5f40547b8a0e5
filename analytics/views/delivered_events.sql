-- The domain events as they were delivered, each at least once. The other views and the queries of days read this one.
-- Besides the lake's columns: `event`, the class name inside `type`, and `signed_amount`, what the event adds to its
-- account's balance in minor units (zero for events that move no money). A filter on `dt` skips partitions. Filter
-- before duplicates are dropped: a condition above a window function skips nothing below it.
-- column id string
-- column source string
-- column type string
-- column event string
-- column subject string
-- column streamversion bigint
-- column time timestamp
-- column recordedtime timestamp
-- column rowhash string
-- column correlationid string
-- column causationid string
-- column dataschema string
-- column signed_amount bigint
-- column currency string
-- column amount bigint
-- column overdraft_limit bigint
-- column reference string
-- column transfer_id string
-- column from_account_id string
-- column to_account_id string
-- column dt string
SELECT
  id,
  source,
  type,
  split_part(type, '.', 3) AS event,
  subject,
  streamversion,
  time,
  recordedtime,
  rowhash,
  correlationid,
  causationid,
  dataschema,
  CASE split_part(type, '.', 3)
    WHEN 'BalanceCredited' THEN data.amount
    WHEN 'TransferReceived' THEN data.amount
    WHEN 'BalanceWithdrawn' THEN -data.amount
    WHEN 'TransferSent' THEN -data.amount
    ELSE CAST(0 AS bigint)
  END AS signed_amount,
  data.currency AS currency,
  data.amount AS amount,
  data.overdraft_limit AS overdraft_limit,
  data.reference AS reference,
  data.transfer_id AS transfer_id,
  data.from_account_id AS from_account_id,
  data.to_account_id AS to_account_id,
  dt
FROM events
