"""What several records of the e-seal world decide together."""
