-- The domain events as they were delivered, each at least once. The other views and the queries of days read this one.
-- Besides the lake's columns there is `event`, the class name inside `type`, and what the event does to its account:
-- `effect`, the kind of change; `status`, which it sets, or NULL; `signed_amount`, what it adds to the balance in minor
-- units. `overdraft_limit` is what it sets the limit to, or NULL. Of a kind of event that is not listed here, `effect`
-- and `signed_amount` are NULL. No other view or query names a class: they go by the effect. `is_test` says that the
-- account is in the test currency: what reports on accounts leaves it out, what shows or checks events holds it.
-- What a restore revoked is left out, and so is what the ledger itself tells: neither is part of a history.
-- A filter on `dt` skips partitions. Filter before duplicates are dropped: a condition above a window function skips
-- nothing below it.
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
  CASE effect
    WHEN 'opening' THEN 'open'
    WHEN 'closing' THEN 'closed'
  END AS status,
  CASE effect
    WHEN 'opening' THEN CAST(0 AS bigint)
    WHEN 'credit' THEN data.amount
    WHEN 'withdrawal' THEN -data.amount
    WHEN 'transfer' THEN -data.amount
    WHEN 'transfer in' THEN data.amount
    WHEN 'closing' THEN CAST(0 AS bigint)
  END AS signed_amount,
  data.currency AS currency,
  coalesce(data.currency = 'XTS', FALSE) AS is_test,
  data.amount AS amount,
  data.overdraft_limit AS overdraft_limit,
  data.reference AS reference,
  data.transfer_id AS transfer_id,
  data.from_account_id AS from_account_id,
  data.to_account_id AS to_account_id,
  dt
FROM (
  SELECT
    events.*,
    split_part(events.type, '.', 3) AS event,
    CASE split_part(events.type, '.', 3)
      WHEN 'AccountCreated' THEN 'opening'
      WHEN 'BalanceCredited' THEN 'credit'
      WHEN 'BalanceWithdrawn' THEN 'withdrawal'
      WHEN 'TransferSent' THEN 'transfer'
      WHEN 'TransferReceived' THEN 'transfer in'
      WHEN 'AccountClosed' THEN 'closing'
    END AS effect
  FROM events
  LEFT JOIN revocations
    ON revocations.account_id = events.subject
    AND events.streamversion > revocations.last_good_version
    AND events.recordedtime < revocations.recordedtime
  WHERE revocations.account_id IS NULL
    AND coalesce(events.source, '') <> '/daybook/ledger'
) AS named
