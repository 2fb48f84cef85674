"""Facts as lines of JSON: what goes out comes back."""

import pytest

from sealauthz.cli.records import line_of, put_of
from sealauthz.model import MODEL
from sealauthz.model.records.identity import Person
from sealauthz.ops.demo.facts import opening_facts
from sealauthz.runtime.errors import InvalidRequest

NOW = 1_772_413_200_000_123


@pytest.mark.parametrize("record", opening_facts(NOW), ids=lambda record: record.id)
def test_a_record_comes_back_from_its_line(record):
    line = line_of(MODEL, record, with_personal_data=True)
    assert "\n" not in line
    assert put_of(MODEL, line).record == record


def test_without_personal_data_only_that_is_missing():
    person = next(record for record in opening_facts(NOW) if isinstance(record, Person))
    bare = put_of(MODEL, line_of(MODEL, person, with_personal_data=False)).record
    assert (bare.real_name, bare.phone, bare.id_last4) == ("", "", "")
    assert (bare.id, bare.id_hash, bare.phone_bound_at) == (person.id, person.id_hash, person.phone_bound_at)


@pytest.mark.parametrize("line", ["", "null", "{", "{}", '{"seal": 1}', '{"seal": {}, "person": {}}', '{"\\ud800": 1}'])
def test_what_is_no_fact_is_refused(line):
    with pytest.raises(InvalidRequest):
        put_of(MODEL, line)
