"""What records, actions, invariants and models are. Names no record."""
