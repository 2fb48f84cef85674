"""The sealing engine: it seals what a receipt permits, after all was decided again, and says what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from sealauthz_client import SealAuthzClient
from sealauthz_client.receipts import ReceiptRefused, verify


class SealingEngine:
    """A caller of its own, by whose `name` receipts are made out. It trusts the keys of the service, and no request."""

    def __init__(self, client: SealAuthzClient, name: str, issuer: str = "demo") -> None:
        self._client = client
        self.name = name
        self._issuer = issuer
        self._keys: Mapping[str, Any] = {"keys": []}

    @classmethod
    def connect(cls, address: str, token: str, name: str) -> Self:
        """Return an engine with a connection of its own."""
        return cls(SealAuthzClient(address, token, insecure=True), name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def seal(self, receipt_text: str) -> list[str]:
        """Seal each document that the receipt permits; return the ids of the uses that were sealed now.

        Raises ReceiptRefused, and CallFailed without an answer: then nothing is sealed, and asking again goes on.
        """
        receipt = self._verified(receipt_text)
        sealed = []
        for document in receipt.permits["documents"]:
            use_id = document["use_id"]
            # The receipt permits nothing by itself: what was frozen or revoked meanwhile is denied here.
            if self._client.perform(receipt.subject, "seal", f"SealUse:{use_id}", request_id=f"engine-seal-{use_id}"):
                put_the_seal(document["digest"])
                done = self._client.perform(
                    receipt.subject, "confirm_sealed", f"SealUse:{use_id}", request_id=f"engine-done-{use_id}"
                )
                if done:
                    sealed.append(use_id)
        return sealed

    def _verified(self, text: str) -> Any:
        """Verify with the keys at hand; with fresh ones where it was signed with a key that is new."""
        try:
            return verify(text, self._keys, audience=self.name, issuer=self._issuer)
        except ReceiptRefused:
            self._keys = self._client.keys()
            return verify(text, self._keys, audience=self.name, issuer=self._issuer)


def put_the_seal(digest: str) -> None:
    """Here the engine would seal the document of this digest. It must bear to be called twice for one use."""
