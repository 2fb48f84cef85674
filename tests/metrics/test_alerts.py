"""Each alert fires on its fault and on nothing else, and names metrics that there are; and so does the dashboard."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from connections import real_tool
from readings import reading

from sealauthz.cli import serve
from sealauthz.decision.decision import Decision, Effect
from sealauthz.decision.question import Entity, Question
from sealauthz.observability.log import Entry
from sealauthz.observability.metrics.instruments import Instruments
from sealauthz.observability.metrics.meter import Meter
from sealauthz_client.answers import Audience, Reason

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
RULES = {
    rule["alert"].removeprefix("SealAuthz"): rule
    for group in yaml.safe_load((DEPLOY / "prometheus" / "alerts.yaml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
}
METHOD = "sealauthz.v1.AuthorizationService/Authorize"
QUESTION = Question(Entity("Person", "p"), "use", Entity("Seal", "s"))


def call(meter: Meter, code: str = "OK", duration_ms: float = 1.0, times: int = 1) -> None:
    for _ in range(times):
        fields = {"method": METHOD, "code": code, "duration_ms": duration_ms, "caller": "signing"}
        meter.note(Entry("info", "call", 0, {}, fields))


def denied(meter: Meter, code: str) -> None:
    reason = Reason(code, 0, Audience.USER)
    meter.note(Decision(QUESTION, Effect.DENY, "d", "v", 1, 1, 2, (reason,)))


def logged(meter: Meter, level: str, event: str, times: int = 1, **fields: object) -> None:
    for _ in range(times):
        meter.note(Entry(level, event, 0, {}, fields))


def all_is_well(meter: Meter) -> None:
    """What a service that works leaves behind."""
    of = meter.instruments
    of.serving.set(2)
    of.facts_age.set(0.2)
    of.certificate_end.set(90 * 86_400)  # the time of a test of rules begins at 0
    of.policies.labels("v1").set(2)
    of.failing_threads.labels("feed").set(0)
    of.log_oldest.set(0.1)
    of.log_waiting.set(1)
    of.log_unwritten.set(3)
    of.alarms.labels("raise_unreturned", "raised").inc()
    of.cache_events.labels("hits").inc(1_000)
    of.traces.labels("sent").inc(100)
    of.cache_events.labels("evicted").inc(1)
    call(meter, times=1_000)
    denied(meter, "NOT_A_MEMBER")
    meter.feed()


FAULTS: dict[str, Callable[[Meter], object]] = {
    "NothingServes": lambda m: m.instruments.serving.set(0),
    "InternalErrors": lambda m: logged(m, "error", "incident", incident="i"),
    "PolicyErrors": lambda m: denied(m, "POLICY_ERROR"),
    "CallsUnavailable": lambda m: call(m, "UNAVAILABLE", times=50),
    "FactsStale": lambda m: m.instruments.facts_age.set(30),
    "ThreadFails": lambda m: m.instruments.failing_threads.labels("feed").set(1),
    "Slow": lambda m: call(m, duration_ms=300, times=50),
    "CallsRefused": lambda m: logged(m, "warning", "busy", pool="answers", refused=100, caller="signing"),
    "UnknownCallers": lambda m: call(m, "UNAUTHENTICATED", times=100),
    "ReloadRefused": lambda m: logged(m, "error", "reload_refused", message="no such file"),
    "CertificateEnds": lambda m: m.instruments.certificate_end.set(5 * 86_400),
    "SeveralPolicies": lambda m: m.instruments.policies.labels("v2").set(1),
    "LogUnwritten": lambda m: logged(m, "warning", "audit_lacking", records=3),
    "BackgroundStepsFail": lambda m: logged(m, "error", "thread_failed", thread="sequencer", failures=2),
    "ImportStandsStill": lambda m: logged(m, "warning", "import_idle", import_id="monday"),
    "LogTampered": lambda m: m.instruments.log_tampered.set(1),
    "LogRecordsHeld": lambda m: m.instruments.log_held.set(1),
    "LogStandsStill": lambda m: m.instruments.log_oldest.set(61),
    "AlarmRefused": lambda m: m.instruments.alarms.labels("raise_unreturned", "refused").inc(),
    "TracesLost": lambda m: m.instruments.traces.labels("lost").inc(5),
    "CacheTooSmall": lambda m: m.instruments.cache_events.labels("evicted").inc(500),
}


ONCE = {"InternalErrors", "PolicyErrors", "ReloadRefused", "LogUnwritten", "BackgroundStepsFail", "ImportStandsStill"}
"""Faults of which one is enough; the others last."""

WELL_MINUTES, MINUTES = 30, 70


def test_every_alert_has_its_fault_here() -> None:
    assert set(RULES) == set(FAULTS)


@pytest.mark.slow
@pytest.mark.parametrize("name", FAULTS)
def test_alert_fires_on_its_fault_and_no_other_does(name: str, tmp_path: Path) -> None:
    assert fired(tmp_path, series(FAULTS[name], is_once=name in ONCE)) == [name]


@pytest.mark.slow
def test_service_that_works_fires_no_alert(tmp_path: Path) -> None:
    assert fired(tmp_path, series(lambda _: None)) == []


@pytest.mark.slow
def test_service_that_cannot_be_measured_fires_that_nothing_serves(tmp_path: Path) -> None:
    gone = {
        name: [*values[:WELL_MINUTES], "stale", *["_"] * (MINUTES - WELL_MINUTES - 1)]
        for name, values in series(lambda _: None).items()
    }
    assert fired(tmp_path, gone) == ["NothingServes"]
    assert fired(tmp_path, {"up{}": ["0"] * MINUTES}) == ["NothingServes"]


def series(fault: Callable[[Meter], object], *, is_once: bool = False) -> dict[str, list[str]]:
    """What a collector reads each minute of a service that begins, works, and then has a fault."""
    meter = Meter(Instruments())
    meter.instruments.alarms.labels("raise_unreturned", "refused")  # as `watch_log` has it
    found: dict[str, list[str]] = {}
    for minute in range(MINUTES):
        if minute:
            all_is_well(meter)
        if minute == WELL_MINUTES or (minute > WELL_MINUTES and not is_once):
            fault(meter)
            meter.feed()
        for (name, labels), value in reading(meter.instruments.registry).items():
            text = ",".join(f'{label}="{what}"' for label, what in sorted(labels))
            values = found.setdefault(f"{name}{{{text}}}", ["_"] * minute)
            values.append(f"{value:g}")
    return found


def fired(folder: Path, series: dict[str, list[str]]) -> list[str]:
    """Which alerts fired at any time, as Prometheus's own tool for tests of rules finds."""
    expression = 'group by (alertname) (max_over_time(ALERTS{alertstate="firing"}[2h]))'
    of_series = [{"series": name, "values": " ".join(values)} for name, values in series.items()]
    query = {"expr": expression, "eval_time": f"{MINUTES}m", "exp_samples": []}
    test = {"interval": "1m", "input_series": of_series, "promql_expr_test": [query]}
    rules = str(DEPLOY / "prometheus" / "alerts.yaml")
    file = folder / "test.json"  # which is YAML, too
    file.write_text(json.dumps({"rule_files": [rules], "evaluation_interval": "1m", "tests": [test]}))
    done = subprocess.run(
        [real_tool("promtool", "prometheus"), "test", "rules", str(file)], capture_output=True, text=True, check=False
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0 or "exp:" in said, said
    return sorted(set(re.findall(r'alertname="SealAuthz(\w+)"', said.replace("\\", ""))))


def test_every_alert_says_what_to_do() -> None:
    for rule in RULES.values():
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["action"]
        assert rule["labels"]["severity"] in {"page", "ticket"}


@pytest.mark.parametrize("file", ["prometheus/alerts.yaml", "grafana/sealauthz.json"])
def test_every_metric_that_is_named_is_there(file: str) -> None:
    text = (DEPLOY / file).read_text(encoding="utf-8")
    named = set(re.findall(r"\bsealauthz_[a-z_]+", text))
    there = {
        f"{metric.name}{end}"
        for metric in Instruments().registry.collect()
        for end in {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}.get(metric.type, ("",))
    }
    assert named <= there
    assert len(named) > 5


def test_the_dashboard_is_one_that_grafana_reads() -> None:
    board = json.loads((DEPLOY / "grafana" / "sealauthz.json").read_text(encoding="utf-8"))
    assert board["title"] == "SealAuthz"
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids)) >= 8
    for panel in board["panels"]:
        assert panel["targets"]
        assert {"x", "y", "w", "h"} == set(panel["gridPos"])


def test_what_is_alerted_on_of_the_log_is_written_as_a_warning() -> None:
    """Lines that tell what is as it should be are not counted."""
    told = {word for rule in RULES.values() for word in re.findall(r'event=~?"([a-z_|]+)"', rule["expr"])}
    reported = {event for words in told for event in words.split("|")}
    of_errors = {"thread_failed", "reload_refused", "audit_unwritten", "incident"}
    assert reported - of_errors == serve._WARNINGS - {"traces_unsent"}
