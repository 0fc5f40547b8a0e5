-- The domain events, each exactly once: delivery is at least once, and a redelivered event has the same id.
-- For ad-hoc queries. It reads the whole history; the queries of days filter the partition `dt` before they dedupe.
-- `event`, `effect`, `status`, `signed_amount`, `is_test` and `overdraft_limit` are those of `delivered_events`. Order
-- events of an account by `streamversion`. What a restore revoked is left out. If one id has two contents all the
-- same, the one that was booked last stands; `daybook reconcile` tells of them.
-- column id string
-- column source string
-- column type string
-- column event string
-- column effect string
-- column subject string
-- column streamversion bigint
-- column time timestamp
-- column recordedtime timestamp
-- column rowhash string
-- column correlationid string
-- column causationid string
-- column dataschema string
-- column status string
-- column signed_amount bigint
-- column currency string
-- column is_test boolean
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
  effect,
  subject,
  streamversion,
  time,
  recordedtime,
  rowhash,
  correlationid,
  causationid,
  dataschema,
  status,
  signed_amount,
  currency,
  is_test,
  amount,
  overdraft_limit,
  reference,
  transfer_id,
  from_account_id,
  to_account_id,
  dt
FROM (
  SELECT *, row_number() OVER (PARTITION BY id ORDER BY recordedtime DESC, dt, rowhash) AS delivery
  FROM delivered_events
) AS deliveries
WHERE delivery = 1
