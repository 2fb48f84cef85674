"""The former name of `sealauthz_client`: the very same names. Nothing here imports it; it goes with version 1."""

from sealauthz_client import *  # noqa: F403
from sealauthz_client import __all__ as __all__
