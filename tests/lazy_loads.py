"""Compiles rules when they are asked for, in the process of the tests.

That a bundle compiles whole before it serves, which is more than half of the time of a load, is what
`tests/decision/test_bundle.py` and all commands prove.
"""

from sealauthz.decision import bundle

compile_all = bundle._prepare
check_and_compile = bundle._compiled

bundle._prepare = lambda _engine, _model, _rulebook: None
