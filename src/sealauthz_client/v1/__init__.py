"""The wire contract, generated from `protos/` and never edited."""
