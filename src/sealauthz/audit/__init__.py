"""The log of decisions: what was answered, in a Merkle tree that anybody can verify. It names no record of a model."""
