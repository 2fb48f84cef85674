"""Lists of signing tasks that one check of intent is for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Annotated, Any

from sealauthz.model.normal_forms import currency_problem, normalise_currency
from sealauthz.model.records.identity import Person
from sealauthz.runtime.instants import NEVER
from sealauthz.schema.record import Instant, Normalised, Ref, many, one, record
from sealauthz.schema.rules import Check, Fixed, SetOnce, Unique, Valid

BATCH_LIMIT = 50
"""How many tasks one check of intent is for, at the most."""


def batch_digest(batch: Any, items: Iterable[Any]) -> str:
    """The digest of a list: what the check of intent for it is bound to.

    `sha256:` and the SHA-256, in hexadecimal, of these texts, each written as the number of its UTF-8 bytes, a colon
    and itself: of each item, in the order of the bytes of their task ids, task, seal, digest of the documents, amount
    and currency; and then the total and its currency. An amount is in decimal digits, an empty text where there is
    none.
    """
    parts: list[str] = []
    for item in sorted(items, key=lambda item: item.task_id.encode()):
        parts += [item.task_id, item.seal_id, item.documents_digest, _in_digits(item.amount), item.currency]
    parts += [_in_digits(batch.total), batch.currency]
    whole = b"".join(b"%d:%b" % (len(text), text) for text in (part.encode() for part in parts))
    return f"sha256:{hashlib.sha256(whole).hexdigest()}"


def _in_digits(amount: int | None) -> str:
    return "" if amount is None else str(amount)


@record(
    Valid("U-05", "currency", currency_problem, says="a currency is its code of three letters"),
    Check(
        "A-08",
        "(total IS NULL) = (currency = '') AND (total IS NULL OR total >= 0)",
        says="a total needs its currency, and a currency its total",
    ),
    Fixed(
        "A-08", "digest", "total", "currency", says="a list that was shown never changes: another list takes a new row"
    ),
    home="person_id",
    permanent=True,
)
class IntentBatch:
    """A list of signing tasks that a person was shown before one check of intent, bound to its digest.

    `total` is that of all amounts of the list, in minor units of `currency`; None where none of the tasks has one.
    """

    id: str
    person_id: Annotated[str, Ref("Person")]
    digest: str
    total: int | None = None
    currency: Annotated[str, Normalised(normalise_currency)] = ""

    person: Person = one("person_id")
    batch_items: list[IntentBatchItem] = many("batch_id")


@record(
    Unique("A-08", ("batch_id", "task_id"), says="a list names each task once"),
    Valid("U-05", "currency", currency_problem, says="a currency is its code of three letters"),
    Check(
        "A-08",
        "(amount IS NULL) = (currency = '') AND (amount IS NULL OR amount >= 0)",
        says="an amount needs its currency, and a currency its amount",
    ),
    Check("A-08", "documents_digest <> ''", says="an item says which documents are sealed"),
    Fixed(
        "A-08",
        "task_id",
        "seal_id",
        "documents_digest",
        "amount",
        "currency",
        says="what was shown never changes",
    ),
    SetOnce("A-08", "used_at", says="an item is used up once"),
    home="batch_id",
    permanent=True,
)
class IntentBatchItem:
    """One task of a list: which seal it takes on which documents (`whole_digest`), and its amount. Used up once."""

    id: str
    batch_id: Annotated[str, Ref("IntentBatch")]
    task_id: Annotated[str, Ref("SigningTask")]
    seal_id: Annotated[str, Ref("Seal")]
    documents_digest: str
    amount: int | None = None
    currency: Annotated[str, Normalised(normalise_currency)] = ""
    used_at: Instant = NEVER

    batch: IntentBatch = one("batch_id")
