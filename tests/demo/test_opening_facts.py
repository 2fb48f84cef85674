"""The opening facts of the story: invented, well-formed, and in an order in which they can be written."""

from sealauthz.model.masking import mask_name, mask_phone
from sealauthz.model.records.organisation import uscc_problem
from sealauthz.ops.demo.facts import QINGHE_USCC, YUNSHAN_USCC, opening_facts
from sealauthz.schema import shape_of

NOW = 1_772_413_200_000_000


def test_the_codes_of_the_invented_companies_are_valid():
    for code in (YUNSHAN_USCC, QINGHE_USCC):
        assert uscc_problem(code) is None


def test_each_fact_refers_only_to_facts_before_it_and_ids_are_unique():
    seen: dict[str, str] = {}
    for record in opening_facts(NOW):
        for column in shape_of(type(record)).columns:
            target = getattr(record, column.name)
            if column.ref is not None and target is not None:
                assert seen.get(target) == column.ref, f"{record.id}.{column.name}"
        assert record.id not in seen
        seen[record.id] = type(record).__name__


def test_the_administrator_is_masked_as_the_story_shows_her():
    chen = next(record for record in opening_facts(NOW) if record.id == "p-chen")
    assert (mask_name(chen.real_name), mask_phone(chen.phone)) == ("陈*", "138****1569")
