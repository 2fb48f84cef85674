"""Performing acts: an allowed act is carried out, recorded and receipted in the transaction that decided it."""
