"""The processes that serve: workers, and the supervisor that starts, replaces and stops them."""
