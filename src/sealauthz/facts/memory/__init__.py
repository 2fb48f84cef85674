"""The read side of the facts: units loaded, wired and cached, and the feed that keeps them fresh."""
