-- Which events does the lake hold that arrived on a day (YYYY-MM-DD) or later, each different content once? Before a
-- restore is announced, `daybook restore check` finds among them those that the restored table does not hold.
-- parameter from_dt string, e.g. CAST(CAST(current_date - INTERVAL '1' DAY AS date) AS varchar)
SELECT DISTINCT
  subject AS account_id,
  streamversion AS version,
  rowhash,
  recordedtime AS recorded_at,
  event
FROM delivered_events
WHERE dt >= :from_dt
  AND subject IS NOT NULL
  AND streamversion IS NOT NULL
ORDER BY account_id, version, rowhash
