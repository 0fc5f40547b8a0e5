-- On which accounts did the most money move on a booking day: the first `top` of each currency, amounts in minor units?
-- Events of a kind that the view `delivered_events` does not list are left out, and so are test accounts.
-- parameter day date, e.g. current_date - INTERVAL '1' DAY
-- parameter late_days integer, or 3
-- parameter top integer, e.g. 10
SELECT :day AS day, currency, place, account_id, moved, net, events
FROM (
  SELECT
    currency,
    account_id,
    moved,
    net,
    events,
    row_number() OVER (PARTITION BY currency ORDER BY moved DESC, account_id) AS place
  FROM (
    SELECT
      currency,
      subject AS account_id,
      sum(CAST(abs(signed_amount) AS decimal(38, 0))) AS moved,
      sum(CAST(signed_amount AS decimal(38, 0))) AS net,
      count(*) AS events
    FROM (
      SELECT *, row_number() OVER (PARTITION BY id, CAST(recordedtime AS date)
        ORDER BY recordedtime DESC, dt, rowhash) AS delivery
      FROM delivered_events
      WHERE dt BETWEEN CAST(CAST(date_add('day', -1, :day) AS date) AS varchar)
        AND CAST(CAST(date_add('day', :late_days, :day) AS date) AS varchar)
    ) AS deliveries
    WHERE delivery = 1
      AND NOT is_test
      AND CAST(recordedtime AS date) = :day
      AND signed_amount <> 0
    GROUP BY currency, subject
  ) AS movements
) AS ranked
WHERE place <= :top
ORDER BY currency, place
