"""The meter counts what calls leave behind, and nothing that a client chose becomes a label."""

from __future__ import annotations

import io
import json
import urllib.error
import urllib.request

import pytest
from readings import reading

from sealauthz import __version__
from sealauthz.decision.decision import Decision, Effect
from sealauthz.decision.question import Entity, Question
from sealauthz.observability.log import Direct, Log
from sealauthz.observability.metrics import meter as meter_module
from sealauthz.observability.metrics.instruments import Instruments
from sealauthz.observability.metrics.meter import Meter, Rising, measured, measuring
from sealauthz.observability.metrics.process import watch_process
from sealauthz.observability.metrics_endpoint import answering
from sealauthz_client.answers import Audience, Reason


def decision(*codes: str, action: str = "use") -> Decision:
    reasons = tuple(Reason(code, 0, Audience.USER) for code in codes)
    question = Question(Entity("Person", "p"), action, Entity("Seal", "s"))
    return Decision(question, Effect.DENY if codes else Effect.ALLOW, "d", "v", 1, 1, 2, reasons)


def counted(meter: Meter) -> dict[str, float]:
    """All that is not 0, by name and labels as a collector sees them."""
    meter.feed()
    return {
        f"{name.removeprefix('sealauthz_')}{dict(sorted(labels))}": value
        for (name, labels), value in reading(meter.instruments.registry).items()
        if value and "_bucket" not in name and "_sum" not in name
    }


def test_calls_are_counted_from_their_lines_in_the_log() -> None:
    meter, stream = Meter(Instruments()), io.StringIO()
    log = measured(Log(Direct(stream)), meter).bind(worker=1)
    for code in ("OK", "OK", "INTERNAL"):
        log.info("call", method="S/M", code=code, duration_ms=2.0, caller="signing")
    log.info("serving")
    log.warning("busy", pool="answers", refused=7, caller="signing")
    log.warning("busy", per_s=5.0, refused=2)
    log.error("incident", incident="i")
    assert len(stream.getvalue().splitlines()) == 7
    assert json.loads(stream.getvalue().splitlines()[0])["worker"] == 1
    assert counted(meter) == {
        "calls_total{'caller': 'signing', 'code': 'OK', 'method': 'S/M'}": 2,
        "calls_total{'caller': 'signing', 'code': 'INTERNAL', 'method': 'S/M'}": 1,
        "call_duration_seconds_count{'method': 'S/M'}": 3,
        "calls_refused_total{'caller': 'signing', 'limit': 'answers'}": 7,
        "calls_refused_total{'caller': '', 'limit': 'rate'}": 2,
        "log_events_total{'event': 'busy', 'level': 'warning'}": 2,
        "log_events_total{'event': 'incident', 'level': 'error'}": 1,
    }


def test_decisions_are_counted_by_action_effect_and_reason() -> None:
    meter = Meter(Instruments())
    for made in (decision(), decision(), decision("A", "B")):
        measuring(meter)(made)
    assert counted(meter) == {
        "decisions_total{'action': 'use', 'effect': 'ALLOW', 'resource_type': 'Seal'}": 2,
        "decisions_total{'action': 'use', 'effect': 'DENY', 'resource_type': 'Seal'}": 1,
        "denial_reasons_total{'reason': 'A'}": 1,
        "denial_reasons_total{'reason': 'B'}": 1,
    }


@pytest.mark.parametrize("code", ["UNKNOWN_ACTION", "UNKNOWN_TYPE"])
def test_a_word_that_nobody_knows_is_no_label(code: str) -> None:
    meter = Meter(Instruments())
    meter.note(decision(code, action="alice@example.com"))
    assert "decisions_total{'action': '', 'effect': 'DENY', 'resource_type': ''}" in counted(meter)


def test_nothing_is_done_where_nothing_is_measured() -> None:
    measuring(None)(decision())


def test_what_does_not_fit_is_counted_as_unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meter_module, "MOST_WAITING", 2)
    meter = Meter(Instruments())
    for _ in range(5):
        meter.note(decision())
    assert counted(meter) == {
        "decisions_total{'action': 'use', 'effect': 'ALLOW', 'resource_type': 'Seal'}": 2,
        "unmeasured_total{}": 3,
    }


def test_a_number_that_falls_begins_again() -> None:
    added: list[tuple[str, float]] = []
    rising = Rising(lambda name, number: added.append((name, number)))
    for number in (3, 3, 5, 1):
        rising.read({"x": number})
    assert added == [("x", 3), ("x", 2), ("x", 1)]


def test_port_of_metrics_answers_health_and_404_elsewhere() -> None:
    instruments = Instruments()
    with answering("127.0.0.1:0", instruments.registry) as endpoint:

        def status(path: str) -> int:
            try:
                return int(urllib.request.urlopen(f"http://{endpoint.address}{path}").status)
            except urllib.error.HTTPError as error:
                return error.code

        assert status("/healthz") == 503
        instruments.serving.set(2)
        assert status("/healthz") == status("/metrics") == 200
        assert [status(path) for path in ("/", "/metric", "/metrics/x", "/favicon.ico", "/healthz/")] == [404] * 5


def test_last_reload_is_measured() -> None:
    meter = Meter(Instruments())
    watch_process(meter)
    log = measured(Log(Direct(io.StringIO())), meter)

    def last() -> tuple[float, bool]:
        found = counted(meter)
        return found.get("last_reload_seconds{}", 0), "last_reload_succeeded{}" in found

    assert last() == (0, True)
    log.error("reload_refused", message="no such file")
    refused_at, has_succeeded = last()
    assert (refused_at > 0, has_succeeded) == (True, False)
    log.info("reloaded")
    assert last()[0] >= refused_at
    assert last()[1]


def test_process_says_what_it_is_and_takes() -> None:
    meter = Meter(Instruments())
    watch_process(meter)
    found = counted(meter)
    assert [name for name in found if name.startswith("build_info") and f"'{__version__}'" in name]
    assert 0 < found["process_open_files{}"] < found["process_open_files_most{}"]
    assert found["process_cpu_seconds_total{}"] > 0
    assert found["process_resident_bytes{}"] > 1_000_000


def test_a_collector_gets_them_over_http() -> None:
    instruments = Instruments()
    instruments.watchers.set(3)
    with answering("127.0.0.1:0", instruments.registry) as endpoint:
        text = urllib.request.urlopen(f"http://{endpoint.address}/metrics").read().decode()
    assert "\nsealauthz_watchers 3.0\n" in text
    with pytest.raises(OSError):  # noqa: PT011 (whatever the system says of a port where nobody listens)
        urllib.request.urlopen(f"http://{endpoint.address}/metrics")
