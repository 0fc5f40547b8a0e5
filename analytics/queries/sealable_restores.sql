-- Of which accounts did restores revoke events? The sealer writes each of them into the transparency log, once, if the
-- account has events there. Test accounts are in it like all others.
SELECT DISTINCT
  account_id,
  generation,
  last_good_version,
  recordedtime AS revoked_at
FROM revocations
ORDER BY account_id, generation
