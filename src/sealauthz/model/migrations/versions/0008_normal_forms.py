"""What identifies is stored in its normal form, and a person may be the same human as another one.

`public` is the realm `PUBLIC`, in full-width letters too. Two rows that are one in their normal form stop the upgrade:
which of them counts is not for us to say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import sqlalchemy as sa
from alembic import op
from sqlalchemy.exc import IntegrityError

from sealauthz.errors import FactsUnavailable
from sealauthz.model.migrations.altering import TEXT, alter
from sealauthz.model.normal_forms import (
    normalise_currency,
    normalise_hash,
    normalise_name,
    normalise_realm,
    normalise_serial,
)

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_FORMS: Mapping[str, Mapping[str, Callable[[str], str]]] = {
    "person": {"realm": normalise_realm, "id_hash": normalise_hash},
    "enterprise": {"realm": normalise_realm},
    "certificate": {"issuer": normalise_name, "serial": normalise_serial},
    "device": {"serial": normalise_serial},
    "contract": {"currency": normalise_currency},
    "signatory": {"currency": normalise_currency},
    "party_consent": {"currency": normalise_currency},
    "seal_grant": {"currency": normalise_currency},
    "cross_enterprise_grant": {"currency": normalise_currency},
    "amount_band": {"currency": normalise_currency},
    "board_resolution": {"currency": normalise_currency},
}


def _normalise(table: str, forms: Mapping[str, Callable[[str], str]]) -> None:
    """Bring the columns of a table into their normal forms. Raises FactsUnavailable where two rows become one."""
    connection = op.get_bind()
    of = sa.table(table, sa.column("id"), *map(sa.column, forms))
    for row in connection.execute(sa.select(of).order_by(of.c.id)).mappings().all():
        normal = {name: form(row[name]) for name, form in forms.items()}
        if all(row[name] == text for name, text in normal.items()):
            continue
        try:
            connection.execute(of.update().where(of.c.id == row["id"]).values(normal))
        except IntegrityError as error:
            name = "".join(word.capitalize() for word in table.split("_"))
            columns = ", ".join(f"`{column}`" for column in forms)
            said = f"`{name}:{row['id']}` equals another record in the normal form of {columns}"
            raise FactsUnavailable(f"{said}: end one of the two before the upgrade") from error


def upgrade() -> None:
    """Normalise the rows that there are, and add the account that counts."""
    for table, forms in _FORMS.items():
        _normalise(table, forms)
    op.drop_index("person_i5_1", table_name="person")
    alter(
        "person",
        columns=[(sa.Column("same_as_id", TEXT, nullable=True), "NULL")],
        checks={"person_i5_3": "same_as_id IS NULL OR (realname_state <> 'VERIFIED' AND same_as_id <> id)"},
        references={"person_same_as_id_fkey": ("same_as_id", "person")},
    )
    where = sa.text("realname_state = 'VERIFIED' OR (same_as_id IS NOT NULL AND id_hash <> '')")
    keys = ["realm", "id_type", "id_hash"]
    op.create_index("person_i5_1", "person", keys, unique=True, sqlite_where=where, postgresql_where=where)
    op.create_index("person_same_as_id_idx", "person", ["same_as_id"], unique=False)
