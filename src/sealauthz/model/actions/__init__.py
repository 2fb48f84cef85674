"""The actions of the e-seal world: their contexts, what a client may give with them, and what the server finds."""
