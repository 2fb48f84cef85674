"""Policy tests: what security teams and their CI run before a policy ships."""
