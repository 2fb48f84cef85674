"""What is measured of a service: its instruments, in one place, and how they are fed without holding up a call."""
