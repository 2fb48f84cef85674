"""PolicyService over a real port: policies are proposed by one, activated by another, and shown as they were."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import grpc
import pytest
from conftest import Serve, Served, caller
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from sealauthz.config.callers import CallerSection
from sealauthz.decision import Bundle, Entity, Question
from sealauthz.facts import Store
from sealauthz.facts.store.activations import STORE, Process
from sealauthz.facts.store.policies import PolicyStore
from sealauthz.facts.store.shadows import ShadowStore
from sealauthz.model import MODEL
from sealauthz.policytools.diff.changes import Cause, CauseKind, Change, ChangeKind, SourceLine, Stop
from sealauthz.policytools.diff.report import AccessDiff, BundleDelta, Extent
from sealauthz.policytools.diff.shadow import Difference, Kind, Noted, ShadowReport
from sealauthz.policytools.diff.shadow_reports import written
from sealauthz.rollout import Archive, Shipping, Signers, load_archive
from sealauthz.rollout.shipping import Compared
from sealauthz.rollout.signatures import sign
from sealauthz.runtime.errors import BundleRefused, ConfigRefused
from sealauthz.service import RPCS
from sealauthz.service.callers import AUDITING, SHIPPING
from sealauthz_client import CallFailed, SealAuthzClient
from sealauthz_client.v1 import policy_pb2

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
LIN, WANG, APP = ("lin" * 12, "wang" * 9, "app" * 12)
Files = list[tuple[str, str, str]]
SHADOWS = {"PolicyService/BeginShadow", "PolicyService/GetShadow", "PolicyService/EndShadow"}
READING = {"PolicyService/ListVersions", "PolicyService/GetPolicy", "PolicyService/ValidatePolicy"}


def files_of(folder: Path | None) -> Files:
    return [(file.part.value, file.name, file.text) for file in Archive.of_folder(MODEL, folder).files]


@pytest.fixture(scope="module")
def installed() -> Files:
    return files_of(None)


@pytest.fixture(scope="module")
def tightened() -> Files:
    return files_of(EXAMPLES / "tightened")


def serve_all(serve: Serve, **how: Any) -> Served:
    """A server for Lin who proposes, Wang who activates, and an application that may do everything else."""
    return serve(
        caller("lin", LIN, rpcs=frozenset({*READING, "PolicyService/Propose", "PolicyService/Activate"})),
        caller(
            "wang",
            WANG,
            rpcs=frozenset({*READING, *SHADOWS, "PolicyService/Activate", "PolicyService/RollBack"}),
            tenants=None,
        ),
        caller("app", APP, rpcs=frozenset(RPCS) - SHIPPING),
        **how,
    )


def client(served: Served, token: str) -> SealAuthzClient:
    return SealAuthzClient(served.address, token, insecure=True, timeout_s=60)


def why(failed: pytest.ExceptionInfo[CallFailed]) -> tuple[str, str, str]:
    error = failed.value
    return error.code.name, error.reason, error.metadata.get("why", "")


def refused(what: str) -> tuple[str, str, str]:
    return "FAILED_PRECONDITION", "POLICY_REFUSED", what


def test_policies_are_shipped_by_two(serve: Serve, bundle: Bundle, installed: Files, tightened: Files) -> None:
    served = serve_all(serve)
    with client(served, LIN) as lin, client(served, WANG) as wang:
        assert dataclasses.astuple(lin.policies()) == ("", (), (), ())
        first = lin.propose_policy(installed, "what is served")
        assert (first.version, first.author, first.note) == (bundle.version, "lin", "what is served")
        lin.propose_policy(tightened)
        second = lin.propose_policy(tightened, "again")
        assert second.note == ""
        with pytest.raises(CallFailed) as failed:
            lin.activate_policy(first.version, first.digest, "")
        assert why(failed) == refused("SAME_PERSON")
        began = wang.activate_policy(first.version, first.digest, "", "begin")
        done = wang.activate_policy(second.version, second.digest, first.version)
        assert (done.revision, done.kind, done.previous) == (began.revision + 1, "ACTIVATE", first.version)
        with pytest.raises(CallFailed) as failed:
            wang.activate_policy(first.version, first.digest, "")
        assert why(failed) == refused("ANOTHER_IS_ACTIVE")
        back = wang.roll_back_policy(second.version, "too tight")
        assert (back.version, back.kind, back.approver, back.note) == (first.version, "ROLL_BACK", "wang", "too tight")
        standing = lin.policies()
        assert standing.active == first.version
        assert {each.version for each in standing.versions} == {first.version, second.version}
        assert [each.revision for each in standing.activations] == [back.revision, done.revision, began.revision]
        # As they were, for as long as decisions refer to them.
        about, files = lin.policy(second.version)
        assert about == second
        assert list(files) == tightened
        with pytest.raises(CallFailed) as failed:
            lin.policy("0" * 16)
        assert why(failed) == ("NOT_FOUND", "POLICY_UNKNOWN", "")
    call = next(entry for entry in reversed(served.log) if entry.get("method", "").endswith("RollBack"))
    assert (call["policy_version"], call["revision"], call["caller"]) == (first.version, back.revision, "wang")


def test_nobody_ships_policies_by_a_right_to_everything(serve: Serve) -> None:
    everything = CallerSection.model_validate({"rpcs": "*", "token_sha256": "0" * 64}, context=MODEL)
    assert everything.rights(MODEL, "app").rpcs == frozenset(RPCS) - SHIPPING - AUDITING
    served = serve_all(serve)
    with client(served, APP) as app:
        for ask in (app.policies, lambda: app.roll_back_policy("x"), lambda: app.propose_policy([])):
            with pytest.raises(CallFailed) as failed:
                ask()
            assert failed.value.code is grpc.StatusCode.PERMISSION_DENIED
    with client(served, LIN) as lin, pytest.raises(CallFailed) as failed:
        lin.roll_back_policy("x")
    assert failed.value.code is grpc.StatusCode.PERMISSION_DENIED


def test_broken_policies_are_told_line_by_line_and_not_kept(serve: Serve, installed: Files) -> None:
    served = serve_all(serve)
    wrong = '\nhas_permission(_: Person, "use", seal: Seal) if seal.colour = 1;\nvisible(_, _, _) if\n'
    lines = {name: len(text.splitlines()) for part, name, text in installed if part == "policies"}
    broken = [(part, name, text + wrong if name == "roles.polar" else text) for part, name, text in installed]
    with client(served, LIN) as lin:
        report = lin.validate_policy(broken)
        assert not report
        assert [(each.severity, each.file) for each in report.diagnostics] == [("ERROR", "roles.polar")]
        assert report.diagnostics[0].line > lines["roles.polar"]
        with pytest.raises(CallFailed) as failed:
            lin.propose_policy(broken)
        assert failed.value.code is grpc.StatusCode.INVALID_ARGUMENT
        ((field, said),) = failed.value.violations
        assert field == "content"
        assert said.startswith("cannot be served: roles.polar:")
        assert lin.policies().versions == ()
        fine = lin.validate_policy(installed)
        assert (fine.version != "", fine.diagnostics) == (True, ())


@pytest.mark.parametrize(
    ("part", "name", "text"),
    [("bundle", "bundle.toml", "base = x"), ("other", "model.toml", "[records")],
)
def test_a_file_beside_the_policies_that_cannot_be_read_is_told_with_its_name(
    serve: Serve, installed: Files, part: str, name: str, text: str
) -> None:
    with client(serve_all(serve), LIN) as lin:
        report = lin.validate_policy([*installed, (part, name, text)])
        assert [(each.severity, each.file) for each in report.diagnostics] == [("ERROR", name)]
        with pytest.raises(CallFailed) as failed:
            lin.propose_policy([*installed, (part, name, text)])
        assert failed.value.code is grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (policy_pb2.ProposeRequest(), "content.files"),
        (policy_pb2.ProposeRequest(content={"files": [{"name": "a.polar"}]}), "content.files[0].part"),
        (policy_pb2.ProposeRequest(content={"files": [{"part": 99, "name": "a.polar"}]}), "content.files[0].part"),
        (policy_pb2.ProposeRequest(content={"files": [{"part": 1, "name": "../a.polar"}]}), "content"),
        (policy_pb2.ProposeRequest(content={"files": [{"part": 1, "name": "a.polar"}] * 2}), "content"),
        (policy_pb2.ProposeRequest(note="x" * 1_025), "note"),
        (policy_pb2.ActivateRequest(digest="x"), "version"),
        (policy_pb2.ActivateRequest(version="x"), "digest"),
        (policy_pb2.ActivateRequest(version="x", digest="x", note="\x00"), "note"),
        (policy_pb2.GetPolicyRequest(), "version"),
        (policy_pb2.ValidatePolicyRequest(), "content.files"),
    ],
)
def test_malformed_requests_name_the_field(serve: Serve, request_: Any, field: str) -> None:
    served = serve_all(serve)
    method = type(request_).__name__.removesuffix("Request")
    with pytest.raises(grpc.RpcError) as failed:
        getattr(served.policies, method)(request_, metadata=(("authorization", f"Bearer {LIN}"),), timeout=30)
    assert failed.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert f"`{field}`" in failed.value.details()


def test_a_signature_is_of_a_configured_key_over_this_digest(
    serve: Serve,
    store: Store,
    tmp_path: Path,
    installed: Files,
    tightened: Files,
) -> None:
    for name in ("security", "stranger"):
        key = Ed25519PrivateKey.generate()
        (tmp_path / f"{name}-private.pem").write_bytes(
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        (tmp_path / f"{name}.pem").write_bytes(
            key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        )
    signers = Signers([tmp_path / "security.pem"])
    served = serve_all(serve, shipping=Shipping(store, lambda archive: load_archive(MODEL, archive), signers))
    with client(served, LIN) as lin, client(served, WANG) as wang:
        first, other = lin.propose_policy(installed), lin.propose_policy(tightened)
        right = sign(tmp_path / "security-private.pem", first.digest)
        wrong = [
            None,
            ("security", b""),
            ("security", b"x" * 64),
            ("security", sign(tmp_path / "stranger-private.pem", first.digest)),
            ("security", sign(tmp_path / "security-private.pem", other.digest)),
            ("stranger", sign(tmp_path / "stranger-private.pem", first.digest)),
            ("", right),
        ]
        for signature in wrong:
            with pytest.raises(CallFailed) as failed:
                wang.activate_policy(first.version, first.digest, "", signature=signature)
            assert why(failed) == refused("UNSIGNED")
        done = wang.activate_policy(first.version, first.digest, "", signature=("security", right))
        assert done.signed_by == "security"
    with pytest.raises(ConfigRefused, match="no public Ed25519 key"):
        Signers([tmp_path / "security-private.pem"])
    with pytest.raises(ConfigRefused, match="no private Ed25519 key"):
        sign(tmp_path / "security.pem", first.digest)


def test_processes_are_told_with_what_they_lack(serve: Serve, store: Store) -> None:
    served = serve_all(serve)
    loaded = {"a" * 16: "", "b" * 16: "roles.polar:7: no"}
    PolicyStore(store).beat(Process("p1", "host/1", "0.1", STORE, "c" * 16, loaded))
    with client(served, LIN) as lin:
        (process,) = lin.policies().processes
    assert (process.name, process.serves, process.ready) == ("host/1", "c" * 16, ("a" * 16,))
    assert process.refused == {"b" * 16: "roles.polar:7: no"}
    assert process.is_live
    assert process.follows_store


def test_a_candidate_is_begun_shown_and_ended(serve: Serve, store: Store, installed: Files, tightened: Files) -> None:
    served = serve_all(serve)
    with client(served, LIN) as lin, client(served, WANG) as wang:
        nothing = wang.shadow()
        assert (nothing.shadow, nothing.candidate, nothing.differences) == (None, "", ())
        candidate = lin.propose_policy(tightened).version
        with pytest.raises(CallFailed) as failed:
            wang.begin_shadow("0123456789abcdef")
        assert why(failed) == ("NOT_FOUND", "POLICY_UNKNOWN", "")
        for share in (-0.1, 1.5, float("nan")):
            with pytest.raises(CallFailed) as failed:
                wang.begin_shadow(candidate, share=share)
            assert dict(failed.value.violations) == {"share": "must be above 0 and at most 1"}
        begun = wang.begin_shadow(candidate)
        assert (begun.version, begun.share, begun.cpu_share, begun.caller) == (candidate, 0.1, 0.05, "wang")
        run = ShadowStore(store).run()
        assert run is not None
        ShadowStore(store).tell(run, "one", written(REPORT))
        found = wang.shadow()
        assert found.shadow == begun
        assert (found.active, found.candidate, found.processes, found.compared) == ("a" * 16, "b" * 16, 1, 40)
        gain, other = found.differences
        assert (gain.kind, gain.action, gain.resource_type, gain.count) == ("GAIN", "use", "Seal", 3)
        (cause,) = gain.causes
        assert (cause.kind, cause.requirement, cause.allowed_by) == ("REQUIREMENT", "FRESH_FACE", "seal_use.polar:7")
        assert cause.stopped_at == ("words.polar:9: now < at",)
        (example,) = gain.examples
        assert (example.subject, example.resource, example.context) == ("Person:p", "Seal:s", {"task": "t"})
        assert (other.kind, other.obligations_added) == ("OBLIGATION", ("TELL",))
        assert wang.end_shadow()
        assert not wang.end_shadow()
        assert wang.shadow().shadow is None
        assert wang.shadow().compared == 40


def test_what_a_shadow_finds_is_for_those_who_may_see_every_enterprise(serve: Serve, store: Store) -> None:
    """Its examples are questions about any of them."""
    served = serve(caller("wang", WANG, rpcs=frozenset(SHADOWS), tenants=frozenset({"E1"})))
    run = ShadowStore(store).begin("b" * 16, 0.1, 0.1, "lin", 1)
    ShadowStore(store).tell(run, "one", written(REPORT))
    with client(served, WANG) as wang, pytest.raises(CallFailed) as failed:
        wang.shadow()
    assert failed.value.code is grpc.StatusCode.PERMISSION_DENIED


LINE = SourceLine("words.polar", 9)
ALLOWED = SourceLine("seal_use.polar", 7)
STOP = Stop(LINE, LINE, "now < at")
CAUSE = Cause(CauseKind.REQUIREMENT, "FRESH_FACE", ALLOWED, stops=(STOP,))
ASKED = Question(Entity("Person", "p"), "use", Entity("Seal", "s"), {"task": "t"})
REPORT = ShadowReport(
    active="a" * 16,
    candidate="b" * 16,
    since=1,
    sampled=50,
    compared=40,
    left_out=7,
    not_in_memory=3,
    uncounted=0,
    differences=(
        Noted(Kind(Difference.GAIN, "use", "Seal", (CAUSE,)), 1, 2, 3, (ASKED,)),
        Noted(Kind(Difference.OBLIGATION, "use", "Seal", added=("TELL",)), 1, 2, 1),
    ),
)


def test_a_comparison_says_who_loses_what_and_how_much_was_decided(
    serve: Serve, store: Store, installed: Files, tightened: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipping = Shipping(store, lambda archive: load_archive(MODEL, archive))
    comparing = frozenset({*READING, "PolicyService/Propose", "PolicyService/ComparePolicies"})
    served = serve(
        caller("lin", LIN, rpcs=comparing, tenants=None),
        caller("wang", WANG, rpcs=comparing, tenants=frozenset({"E1"})),
        shipping=shipping,
    )
    with client(served, LIN) as lin:
        first, tighter = lin.propose_policy(installed), lin.propose_policy(tightened)
        same = lin.compare_policies(first.version, first.version)
        assert (same.changes, same.left_out, same.cannot_tell, same.is_complete) == ((), 0, (), True)
        assert (same.records, same.revision) == (5, 1)
        assert same.decisions == 0  # of the same rules, nothing needs to be asked
        assert lin.compare_policies(tighter.version, first.version).decisions > 0
        with shipping._comparing, pytest.raises(CallFailed) as failed:
            lin.compare_policies(tighter.version, first.version, timeout_s=1)
        assert failed.value.code is grpc.StatusCode.RESOURCE_EXHAUSTED
        monkeypatch.setattr("sealauthz.rollout.shipping.MOST_RECORDS", 4)
        with pytest.raises(CallFailed) as failed:
            lin.compare_policies(tighter.version, first.version)
        assert why(failed) == refused("TOO_LARGE")

        def load(_archive: Archive) -> Bundle:
            raise BundleRefused("a rule of another release", "roles.polar", 7)

        monkeypatch.setattr(shipping, "_load", load)
        with pytest.raises(CallFailed) as failed:
            lin.compare_policies(tighter.version, first.version)
        assert why(failed) == refused("NOT_LOADABLE")
        monkeypatch.undo()
        monkeypatch.setattr("sealauthz.rollout.shipping.LONGEST_S", 0.0)
        with pytest.raises(CallFailed) as failed:
            lin.compare_policies(tighter.version, first.version)
        assert failed.value.code is grpc.StatusCode.DEADLINE_EXCEEDED
    with client(served, WANG) as wang, pytest.raises(CallFailed) as failed:
        wang.compare_policies(tighter.version, first.version)
    assert failed.value.code is grpc.StatusCode.PERMISSION_DENIED


def test_changes_are_told_gains_first_with_the_lines_behind_them(serve: Serve, store: Store) -> None:
    lines = {"allowed_by": SourceLine("roles.polar", 7), "required_by": SourceLine("seal_use.polar", 9)}
    cause = Cause(CauseKind.REQUIREMENT, "FACE", parameters=("face_for_use",), **lines)

    def change(kind: ChangeKind, person: str, **more: Any) -> Change:
        return Change(kind, Entity("Person", person), "use", Entity("Seal", "S1"), (("task", "T1"),), 0, **more)

    losses = tuple(change(ChangeKind.LOSS, f"P{number}", causes=(cause,)) for number in range(7))
    gain = change(ChangeKind.GAIN, "P9", added=("TELL",))
    diff = AccessDiff(
        BundleDelta("old", "new"), 0, Extent(pairs=3, decided_pairs=2, decisions=5), losses, fresh=(gain,)
    )

    class Compares(Shipping):
        def compare(self, *_: object) -> Compared:
            return Compared(diff, 12, 34)

    comparing = frozenset({"PolicyService/ComparePolicies"})
    shipping = Compares(store, lambda archive: load_archive(MODEL, archive))
    served = serve(caller("lin", LIN, rpcs=comparing, tenants=None), shipping=shipping)
    with client(served, LIN) as lin:
        found = lin.compare_policies("new")
    assert (found.base_version, found.version, found.records, found.revision) == ("old", "new", 12, 34)
    assert (found.is_complete, found.decisions) == (False, 5)
    first, second = found.changes
    assert (first.kind, first.only_when_fresh, first.added_obligations, first.count) == ("GAIN", True, ("TELL",), 1)
    assert (second.kind, second.only_when_fresh, second.count, len(second.examples)) == ("LOSS", False, 7, 5)
    assert second.examples[0] == ("Person:P0", "Seal:S1", {"task": "T1"})
    assert dataclasses.astuple(second.causes[0]) == (
        "REQUIREMENT",
        "FACE",
        "roles.polar:7",
        "seal_use.polar:9",
        ("face_for_use",),
    )
