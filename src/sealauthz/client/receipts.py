"""The former name of `sealauthz_client.receipts`."""

from sealauthz_client.receipts import *  # noqa: F403
