"""The transparency log: every row's hash, append-only, in the formats of C2SP (tiles, checkpoints, notes, proofs)."""
