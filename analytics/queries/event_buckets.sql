-- How many different contents of events booked before a moment does the lake hold in each of 4,096 buckets of accounts,
-- and to what do their digests add up? The bucket is the first 12 bits of the SHA-256 of the account's id; a content
-- adds the first 60 bits of the SHA-256 of `salt` and its digest (view `event_digests`), and `total` is the sum modulo
-- 2^60. `daybook verify --all` compares it with the event table: with a salt that nobody knows before, equal sums are
-- equal contents. It reads the whole lake.
-- parameter settled timestamp, e.g. CAST(current_timestamp - INTERVAL '1' HOUR AS timestamp)
-- parameter salt string, e.g. 'salt'
SELECT
  bucket,
  count(*) AS events,
  CAST(sum(CAST(number AS decimal(38, 0))) % 1152921504606846976 AS bigint) AS total
FROM (
  SELECT
    from_base(substr(to_hex(sha256(to_utf8(account_id))), 1, 3), 16) AS bucket,
    from_base(substr(to_hex(sha256(to_utf8(:salt || digest))), 1, 15), 16) AS number
  FROM (
    SELECT DISTINCT subject AS account_id, digest
    FROM event_digests
    WHERE recordedtime < :settled
      AND subject IS NOT NULL
      AND streamversion IS NOT NULL
  ) AS contents
) AS numbered
GROUP BY bucket
ORDER BY bucket
