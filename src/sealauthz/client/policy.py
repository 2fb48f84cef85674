"""The former name of `sealauthz_client.policy`."""

from sealauthz_client.policy import *  # noqa: F403
