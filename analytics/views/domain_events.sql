-- The domain events, each exactly once: delivery is at least once, and a redelivered event has the same id.
-- For ad-hoc queries. It reads the whole history; the queries of days filter the partition `dt` before they dedupe.
-- `event` is the class name inside `type`; `signed_amount` is what the event adds to its account's balance in minor
-- units (zero for events that move no money). Order events of an account by `streamversion`.
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
  event,
  subject,
  streamversion,
  time,
  recordedtime,
  rowhash,
  correlationid,
  causationid,
  dataschema,
  signed_amount,
  currency,
  amount,
  overdraft_limit,
  reference,
  transfer_id,
  from_account_id,
  to_account_id,
  dt
FROM (
  SELECT *, row_number() OVER (PARTITION BY id ORDER BY dt) AS delivery
  FROM delivered_events
) AS deliveries
WHERE delivery = 1
