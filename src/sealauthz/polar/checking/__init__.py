"""What the checker of policies is made of: one module for each thing that it knows of a bundle."""
