-- To what do the contents of each account's events add up, in some of the buckets of the query `event_buckets`?
-- `buckets` are their numbers, with a comma before and after each. `daybook verify --all` asks it where buckets differ.
-- parameter settled timestamp, e.g. CAST(current_timestamp - INTERVAL '1' HOUR AS timestamp)
-- parameter salt string, e.g. 'salt'
-- parameter buckets string, e.g. ',0,1,2,'
SELECT
  account_id,
  count(*) AS events,
  CAST(sum(CAST(number AS decimal(38, 0))) % 1152921504606846976 AS bigint) AS total
FROM (
  SELECT
    account_id,
    from_base(substr(to_hex(sha256(to_utf8(:salt || digest))), 1, 15), 16) AS number
  FROM (
    SELECT DISTINCT subject AS account_id, digest
    FROM event_digests
    WHERE recordedtime < :settled
      AND subject IS NOT NULL
      AND streamversion IS NOT NULL
      AND strpos(
        :buckets,
        ',' || CAST(from_base(substr(to_hex(sha256(to_utf8(subject))), 1, 3), 16) AS varchar) || ','
      ) > 0
  ) AS contents
) AS numbered
GROUP BY account_id
ORDER BY account_id
