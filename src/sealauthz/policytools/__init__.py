"""What security teams run before a policy ships: policy tests, access diffs, the attack search."""
