"""The records of the e-seal world: typed classes, from which tables, wire forms and policy types derive."""
