"""Searching policies for attacks: sequences of allowed acts by which colluders reach what must never happen."""
