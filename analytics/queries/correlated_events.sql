-- Which events did one correlation id lead to, in the partitions from one `dt` to another (both included, YYYY-MM-DD)?
-- A row for each different content, with the partition that it arrived in first, and how often it arrived: delivery is
-- at least once. What a restore revoked is left out. `daybook trace` asks it.
-- parameter correlation_id string, e.g. (SELECT max(correlationid) FROM events)
-- parameter from_dt string, e.g. CAST(CAST(current_date - INTERVAL '1' DAY AS date) AS varchar)
-- parameter to_dt string, e.g. CAST(current_date AS varchar)
SELECT id, subject AS account_id, streamversion AS version, min(dt) AS first_dt, count(*) AS deliveries
FROM delivered_events
WHERE dt BETWEEN :from_dt AND :to_dt
  AND correlationid = :correlation_id
  AND subject IS NOT NULL
  AND streamversion IS NOT NULL
GROUP BY id, subject, streamversion, rowhash
ORDER BY account_id, version
