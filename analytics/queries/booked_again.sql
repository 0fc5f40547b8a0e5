-- Which events does the lake hold as booked on one of some days, and on another day as well? All is well without a row.
-- The views count one content of an id, whichever day it is of, so this reads those columns of the whole lake. What a
-- restore revoked may be booked on another day than what came in its place, and is left out.
-- `daybook reconcile` asks it: such an event differs.
-- parameter first_day date, e.g. current_date - INTERVAL '7' DAY
-- parameter last_day date, e.g. current_date - INTERVAL '1' DAY
SELECT subject AS account_id, streamversion AS version
FROM delivered_events
WHERE subject IS NOT NULL
  AND streamversion IS NOT NULL
GROUP BY subject, streamversion
HAVING count_if(CAST(recordedtime AS date) BETWEEN :first_day AND :last_day) > 0
  AND count_if(CAST(recordedtime AS date) NOT BETWEEN :first_day AND :last_day) > 0
ORDER BY account_id, version
