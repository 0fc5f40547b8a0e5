-- A digest of all that was published of each delivered event, by which `daybook reconcile` compares it with what its
-- row in the event table would be published as. It is SHA-256, in hexadecimal, over every column and every field of
-- `data`, a line each in the table's order: `=` and the value, or nothing for NULL; a time is in milliseconds since
-- 1970. What a restore revoked is left out, and what the ledger itself tells. A filter on `dt` skips partitions.
-- column id string
-- column subject string
-- column streamversion bigint
-- column recordedtime timestamp
-- column digest string
-- column dt string
SELECT
  id,
  subject,
  streamversion,
  recordedtime,
  to_hex(sha256(to_utf8(
    coalesce('=' || specversion, '')
    || chr(10) || coalesce('=' || id, '')
    || chr(10) || coalesce('=' || source, '')
    || chr(10) || coalesce('=' || type, '')
    || chr(10) || coalesce('=' || subject, '')
    || chr(10) || coalesce('=' || CAST(
      date_diff('millisecond', TIMESTAMP '1970-01-01 00:00:00', time) AS varchar
    ), '')
    || chr(10) || coalesce('=' || dataschema, '')
    || chr(10) || coalesce('=' || datacontenttype, '')
    || chr(10) || coalesce('=' || CAST(streamversion AS varchar), '')
    || chr(10) || coalesce('=' || CAST(
      date_diff('millisecond', TIMESTAMP '1970-01-01 00:00:00', recordedtime) AS varchar
    ), '')
    || chr(10) || coalesce('=' || rowhash, '')
    || chr(10) || coalesce('=' || correlationid, '')
    || chr(10) || coalesce('=' || causationid, '')
    || chr(10) || coalesce('=' || data.currency, '')
    || chr(10) || coalesce('=' || CAST(data.overdraft_limit AS varchar), '')
    || chr(10) || coalesce('=' || CAST(data.amount AS varchar), '')
    || chr(10) || coalesce('=' || data.reference, '')
    || chr(10) || coalesce('=' || data.transfer_id, '')
    || chr(10) || coalesce('=' || data.to_account_id, '')
    || chr(10) || coalesce('=' || data.from_account_id, '')
    || chr(10) || coalesce('=' || CAST(data.last_good_version AS varchar), '')
    || chr(10) || coalesce('=' || CAST(
      date_diff('millisecond', TIMESTAMP '1970-01-01 00:00:00', data.restored_to) AS varchar
    ), '')
    || chr(10) || coalesce('=' || CAST(data.generation AS varchar), '')
  ))) AS digest,
  dt
FROM (
  SELECT events.*
  FROM events
  LEFT JOIN revocations
    ON revocations.account_id = events.subject
    AND events.streamversion > revocations.last_good_version
    AND events.recordedtime < revocations.recordedtime
  WHERE revocations.account_id IS NULL
    AND coalesce(events.source, '') <> '/daybook/ledger'
) AS standing
