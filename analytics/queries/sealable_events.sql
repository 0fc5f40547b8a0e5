-- Which events does the lake hold that arrived on a day (YYYY-MM-DD) or later and were recorded up to a moment? Each
-- version of an account stands once for each hash of its row that was delivered, and has one if nobody changed it;
-- `arrived` is the first day on which it did. The sealer puts into the transparency log what is not in it yet, and goes
-- on at `from_account` if time ran out before.
-- parameter from_dt string, e.g. CAST(CAST(current_date - INTERVAL '1' DAY AS date) AS varchar)
-- parameter from_account string, e.g. ''
-- parameter through timestamp, e.g. CAST(current_timestamp AS timestamp)
SELECT
  subject AS account_id,
  streamversion AS version,
  rowhash,
  min(dt) AS arrived,
  min(recordedtime) AS recorded_at
FROM delivered_events
WHERE dt >= :from_dt
  AND subject >= :from_account
  AND recordedtime <= :through
  AND subject IS NOT NULL
  AND streamversion >= 1
  AND rowhash IS NOT NULL
GROUP BY subject, streamversion, rowhash
ORDER BY account_id, version, rowhash
