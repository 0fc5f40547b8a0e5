-- On which accounts did the most money move on a booking day: the first `top` of each currency, amounts in minor units?
-- parameter day date
-- parameter top integer
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
      CAST(sum(amount) AS bigint) AS moved,
      CAST(
        sum(CASE WHEN event IN ('BalanceCredited', 'TransferReceived') THEN amount ELSE -amount END) AS bigint
      ) AS net,
      count(*) AS events
    FROM (
      SELECT
        split_part(type, '.', 3) AS event,
        subject,
        recordedtime,
        data.currency AS currency,
        data.amount AS amount,
        row_number() OVER (PARTITION BY id ORDER BY dt) AS delivery
      FROM events
      WHERE dt BETWEEN CAST(CAST(date_add('day', -1, :day) AS date) AS varchar)
        AND CAST(CAST(date_add('day', 3, :day) AS date) AS varchar)
    ) AS deliveries
    WHERE delivery = 1
      AND CAST(recordedtime AS date) = :day
      AND event IN ('BalanceCredited', 'BalanceWithdrawn', 'TransferReceived', 'TransferSent')
    GROUP BY currency, subject
  ) AS movements
) AS ranked
WHERE place <= :top
ORDER BY currency, place
