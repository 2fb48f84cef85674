"""The core form of a policy, in which every name is resolved, and an interpreter of it that is written for clarity.

`lower.py` makes it of a program; the compiler reads nothing else. The interpreter is the second reference beside oso:
where both answer, the compiled engine, with each of its passes on or off, answers the same.
"""
