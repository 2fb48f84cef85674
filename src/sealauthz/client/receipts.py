"""Verifying receipts where they are acted on: needs the published key set and `joserfc`, and no call.

Not imported with the rest of the client, whose users mostly never see a receipt.
"""

from sealauthz.receipts import Receipt, ReceiptRefused, verify

__all__ = ["Receipt", "ReceiptRefused", "verify"]
