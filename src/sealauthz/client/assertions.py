"""The former name of `sealauthz_client.assertions`."""

from sealauthz_client.assertions import *  # noqa: F403
