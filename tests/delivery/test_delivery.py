"""What `deploy/` says is done, without a container engine: installed, configured, started, probed and stopped."""

from __future__ import annotations

import configparser
import hashlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml
from click.testing import CliRunner

import sealauthz
from sealauthz.cli.app import cli
from sealauthz.config import load
from sealauthz.model import MODEL
from sealauthz.runtime.errors import ConfigRefused

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
PINNED = re.compile(r"^([a-z0-9-]+)(?:\[.*\])?==(\S+)", re.MULTILINE)
PREFIX = "/opt/sealauthz"
SERVER_NAME = "sealauthz"
"""What certificates of the service have as a name."""

COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
MANIFESTS = list(yaml.safe_load_all((DEPLOY / "kubernetes" / "sealauthz.yaml").read_text(encoding="utf-8")))
CONTAINERFILE = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
CONTAINERS = [
    c for each in MANIFESTS if "template" in each["spec"] for c in each["spec"]["template"]["spec"]["containers"]
]
MONITOR = yaml.safe_load((DEPLOY / "kubernetes" / "servicemonitor.yaml").read_text(encoding="utf-8"))


def manifest(kind: str) -> dict[str, Any]:
    """The one manifest of a kind."""
    (found,) = [each for each in MANIFESTS if each["kind"] == kind]
    return found  # type: ignore[no-any-return]


def unit_values(name: str) -> list[str]:
    """All values of a setting of the unit, which may be there several times."""
    text = (DEPLOY / "systemd" / "sealauthz.service").read_text(encoding="utf-8")
    return re.findall(rf"^{name}=(.*)$", text, re.MULTILINE)


def container_environment() -> dict[str, str]:
    """What the image sets."""
    (said,) = re.findall(r"^ENV ((?:.*\\\n)*.*)$", CONTAINERFILE, re.MULTILINE)
    return dict(part.split("=", 1) for part in said.replace("\\\n", " ").split())


def commands() -> list[tuple[str, list[str]]]:
    """Every command of ours that the files name, without `sealauthz`."""
    found = [("compose", COMPOSE["services"][name]["command"]) for name in ("upgrade", "sealauthz")]
    found.append(("compose healthcheck", COMPOSE["services"]["sealauthz"]["healthcheck"]["test"][2:]))
    for container in CONTAINERS:
        found.append((container["name"], container["args"]))
        if "startupProbe" in container:
            found.append((f"{container['name']} startupProbe", container["startupProbe"]["exec"]["command"][1:]))
    for name, value in unit()["Service"].items():
        if name.startswith("ExecStart"):
            program, *arguments = shlex.split(value)
            assert program == f"{PREFIX}/bin/sealauthz"
            found.append((name, arguments))
    (default,) = re.findall(r"^CMD (.*)$", CONTAINERFILE, re.MULTILINE)
    return [*found, ("image", json.loads(default))]


def unit() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(DEPLOY / "systemd" / "sealauthz.service", encoding="utf-8")
    return parser


@pytest.mark.parametrize(("where", "arguments"), commands(), ids=lambda value: value if isinstance(value, str) else "")
def test_every_command_is_one_of_ours(where: str, arguments: list[str]) -> None:
    """Its options are known: with `--help` behind them, nothing else is done."""
    done = CliRunner().invoke(cli, [*arguments, "--help"])
    assert done.exit_code == 0, done.output


def test_the_configuration_is_read(tmp_path: Path) -> None:
    config = load(MODEL, {}, configured(tmp_path))
    assert config.server.workers == 2
    assert config.metrics.listen is not None
    grace = MANIFESTS[1]["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    assert config.server.stop_grace_s < grace
    assert config.server.stop_grace_s < int(COMPOSE["services"]["sealauthz"]["stop_grace_period"].removesuffix("s"))


def test_what_a_pod_mounts_is_what_the_configuration_names(tmp_path: Path) -> None:
    text = re.sub(r"(?m)^#.*$", "", (DEPLOY / "sealauthz.toml").read_text(encoding="utf-8"))
    named = set(re.findall(r'"((?:tls|secrets)/[^"]+)"', text)) | {"tls/ca.crt", "sealauthz.toml"}
    for manifest in MANIFESTS[:2]:
        (volume,) = [v for v in manifest["spec"]["template"]["spec"]["volumes"] if v["name"] == "configuration"]
        mounted = {
            item["path"] for source in volume["projected"]["sources"] for of in source.values() for item in of["items"]
        }
        assert mounted == named


def test_pods_may_do_no_more_than_they_need() -> None:
    for container in CONTAINERS:
        allowed = container["securityContext"]
        assert allowed["readOnlyRootFilesystem"]
        assert not allowed["allowPrivilegeEscalation"]
        assert allowed["capabilities"] == {"drop": ["ALL"]}
    assert re.search(r"^USER 10001:10001$", CONTAINERFILE, re.MULTILINE)
    for name in ("upgrade", "sealauthz"):
        assert COMPOSE["services"][name]["read_only"]
    assert unit()["Service"]["ProtectSystem"] == "strict"


def test_a_rolling_update_never_serves_less() -> None:
    deployment = MANIFESTS[1]["spec"]
    assert deployment["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    assert manifest("PodDisruptionBudget")["spec"]["maxUnavailable"] < deployment["replicas"]


def test_a_probe_names_a_server_that_the_certificate_has() -> None:
    """Certificates name the service, and not `localhost`, as which a probe reaches it."""
    probes = [CONTAINERS[1]["startupProbe"]["exec"]["command"]]
    probes.append(COMPOSE["services"]["sealauthz"]["healthcheck"]["test"][1:])
    for probe in probes:
        said = dict(zip(probe[2::2], probe[3::2], strict=True))
        assert said["--server"] == f"localhost:{CONTAINERS[1]['ports'][0]['containerPort']}"
        assert said["--server-name"] == manifest("Service")["metadata"]["name"] == SERVER_NAME
    assert SERVER_NAME in COMPOSE["services"]


def test_readiness_is_asked_of_the_port_of_metrics(tmp_path: Path) -> None:
    probe = CONTAINERS[1]["readinessProbe"]["httpGet"]
    ports = {port["name"]: port["containerPort"] for port in CONTAINERS[1]["ports"]}
    listen = load(MODEL, {}, configured(tmp_path)).metrics.listen
    assert listen is not None
    assert (probe["path"], ports[probe["port"]]) == ("/healthz", int(listen.rpartition(":")[2]))


def test_a_job_is_another_one_for_each_release() -> None:
    """A Job never changes: `kubectl apply` of the next release was refused while the last Job was there."""
    image = f"sealauthz:{sealauthz.__version__}"
    assert {container["image"] for container in CONTAINERS} == {image}
    job = manifest("Job")
    assert job["metadata"]["name"] == f"sealauthz-upgrade-{sealauthz.__version__}"
    assert job["spec"]["ttlSecondsAfterFinished"] > 0


def test_pods_are_reached_by_callers_and_metrics_alone() -> None:
    policy = manifest("NetworkPolicy")["spec"]
    (chosen,) = policy["podSelector"]["matchExpressions"]
    of_pods = {manifest(kind)["spec"]["template"]["metadata"]["labels"]["app"] for kind in ("Job", "Deployment")}
    assert (chosen["key"], chosen["operator"], set(chosen["values"])) == ("app", "In", of_pods)
    assert set(policy["policyTypes"]) == {"Ingress", "Egress"}
    opened = {port["port"] for rule in policy["ingress"] for port in rule["ports"]}
    assert opened == {port["containerPort"] for port in CONTAINERS[1]["ports"]}
    assert all(rule["from"] and all(rule["from"]) for rule in policy["ingress"]), "an empty peer is everybody"
    assert {port["port"] for rule in policy["egress"] for port in rule["ports"]} == {53, 5432}


def test_metrics_of_the_service_are_collected() -> None:
    service, (endpoint,) = manifest("Service"), MONITOR["spec"]["endpoints"]
    assert MONITOR["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert endpoint["port"] in [port["name"] for port in service["spec"]["ports"]]
    assert endpoint["port"] in [port["name"] for port in CONTAINERS[1]["ports"]]


def test_secrets_of_a_host_are_handed_over_and_read_by_root_alone(tmp_path: Path) -> None:
    """The user of the service is made when it starts: a key that it reads from /etc is one that everybody reads."""
    loaded = dict(value.split(":", 1) for value in unit_values("LoadCredential"))
    environment = dict(value.split("=", 1) for value in unit_values("Environment"))
    given = {name: value for name, value in environment.items() if value.startswith("%d/")}
    assert {value.removeprefix("%d/") for value in given.values()} == loaded.keys()
    text = (DEPLOY / "sealauthz.toml").read_text(encoding="utf-8")
    secret = {
        f"/etc/sealauthz/{path}" for path in re.findall(r'^(?:tls_key|password_file) = "(.*)"', text, re.MULTILINE)
    }
    assert set(loaded.values()) == secret
    file = configured(tmp_path / "etc")
    handed = {name: value.replace("%d", str(tmp_path)) for name, value in given.items()}
    for name, path in loaded.items():
        (tmp_path / "etc" / path.removeprefix("/etc/sealauthz/")).rename(tmp_path / name)
    assert load(MODEL, handed, file).server.workers == 2
    with pytest.raises(ConfigRefused, match="database-password"):
        load(MODEL, {}, file)


def test_a_build_reads_what_it_copies_and_no_key() -> None:
    """`COPY deploy` took the keys of `deploy/conf/`, which is where compose.yaml has them, into the image."""
    ignored = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    assert ignored[0] == "*", "nothing is read that is not named"
    named = {line[1:] for line in ignored if line[0] == "!"}
    copied = {
        word for line in re.findall(r"^COPY (?!--)(.*)$", CONTAINERFILE, re.MULTILINE) for word in line.split()[:-1]
    }
    assert named == copied
    assert not any("deploy/conf".startswith(name) for name in named)
    done = subprocess.run(["git", "check-ignore", "deploy/conf/tls/tls.key"], cwd=ROOT, check=False, timeout=60)
    assert done.returncode == 0, "nor is it committed"


def test_what_the_image_copies_is_there_and_is_all_that_a_build_reads() -> None:
    copied = [
        word for line in re.findall(r"^COPY (?!--)(.*)$", CONTAINERFILE, re.MULTILINE) for word in line.split()[:-1]
    ]
    assert all((ROOT / name).exists() for name in copied)
    assert f"RUN deploy/install.sh {PREFIX}" in CONTAINERFILE
    assert container_environment()["PATH"].startswith(f"{PREFIX}/bin:")


@pytest.mark.parametrize("file", ["runtime.lock", "build.lock"])
def test_what_is_delivered_is_what_is_tested(file: str) -> None:
    tested = dict(PINNED.findall((ROOT / "requirements.lock").read_text(encoding="utf-8")))
    delivered = dict(PINNED.findall((DEPLOY / file).read_text(encoding="utf-8")))
    assert delivered.items() <= tested.items()
    assert len(delivered) > 4


def test_all_that_the_package_needs_is_delivered() -> None:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    delivered = dict(PINNED.findall((DEPLOY / "runtime.lock").read_text(encoding="utf-8")))
    client = tomllib.loads((ROOT / "client" / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    named = {re.split(r"[^A-Za-z0-9-]", each)[0] for each in (*wanted, *client)}
    assert named <= {*delivered, "sealauthz-client"}


# --- installed --------------------------------------------------------------------------------------------------------


def configured(folder: Path) -> Path:
    """The configuration of `deploy/` with the secrets that it names."""
    for name in ("tls", "secrets"):
        (folder / name).mkdir(parents=True)
    authority = trustme.CA()
    certificate = authority.issue_cert(SERVER_NAME)
    authority.cert_pem.write_to_path(folder / "tls" / "ca.crt")
    certificate.private_key_pem.write_to_path(folder / "tls" / "tls.key")
    certificate.cert_chain_pems[0].write_to_path(folder / "tls" / "tls.crt")
    (folder / "secrets" / "database-password").write_text("secret\n")
    (folder / "secrets" / "contracts-token.sha256").write_text(hashlib.sha256(b"a token").hexdigest())
    shutil.copy(DEPLOY / "sealauthz.toml", folder)
    return folder / "sealauthz.toml"


class Host:
    """The image as it would run: with its own environment, and one folder that is written to."""

    def __init__(self, prefix: Path, folder: Path) -> None:
        self.prefix = prefix
        self.scratch = folder / "tmp"
        self.scratch.mkdir()
        self.conf = configured(folder / "etc").parent
        said = {name: value.replace(PREFIX, str(prefix)) for name, value in container_environment().items()}
        self.environment = {
            **said,
            "TMPDIR": str(self.scratch),
            "SEALAUTHZ_CONFIG": str(self.conf / "sealauthz.toml"),
            "SEALAUTHZ_CACHE": str(self.scratch / "sealauthz-cache"),
            # No PostgreSQL of its own, and no port for all.
            "SEALAUTHZ_DATABASE__URL": f"sqlite:///{self.scratch / 'facts.db'}",
            "SEALAUTHZ_SERVER__WORKERS": "1",
            "SEALAUTHZ_SERVER__LISTEN": "127.0.0.1:0",
            "SEALAUTHZ_METRICS__LISTEN": "127.0.0.1:0",
        }
        text = (self.conf / "sealauthz.toml").read_text()
        (self.conf / "sealauthz.toml").write_text(text.replace('password_file = "secrets/database-password"\n', ""))

    def start(self, arguments: Sequence[str], **how: Any) -> subprocess.Popen[str]:
        program = str(self.prefix / "bin" / "sealauthz")
        command = [program, *(each.replace("/etc/sealauthz", str(self.conf)) for each in arguments)]
        return subprocess.Popen(
            command, env=self.environment, cwd=self.scratch, text=True, stdout=subprocess.PIPE, **how
        )

    def run(self, arguments: Sequence[str]) -> tuple[int, str]:
        process = self.start(arguments, stderr=subprocess.STDOUT)
        said, _ = process.communicate(timeout=120)
        return process.returncode, said


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the image holds, made by the step that makes it there."""
    folder = tmp_path_factory.mktemp("image")
    source = folder / "source"
    for line in re.findall(r"^COPY (?!--)(.*)$", CONTAINERFILE, re.MULTILINE):
        *names, to = line.split()
        for name in names:
            (source / to).mkdir(parents=True, exist_ok=True)
            if (ROOT / name).is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(ROOT / name, source / to, dirs_exist_ok=True, ignore=ignored)
            else:
                shutil.copy(ROOT / name, source / to)
    made = folder / "sealauthz"
    python = str(Path(sys.executable).resolve())
    subprocess.run(["deploy/install.sh", str(made), python], cwd=source, check=True, timeout=600)
    return made


def files_of(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_what_is_installed_serves_and_writes_nothing_but_its_scratch_folder(prefix: Path, tmp_path: Path) -> None:
    host = Host(prefix, tmp_path)
    before = files_of(prefix)
    code, said = host.run(COMPOSE["services"]["upgrade"]["command"])
    assert code == 0, said
    serving = host.start(COMPOSE["services"]["sealauthz"]["command"])
    try:
        assert serving.stdout is not None
        first = serving.stdout.readline()
        address = re.match(r"listening on (127\.0\.0\.1:\d+) over TLS", first)
        assert address is not None, first
        probe = COMPOSE["services"]["sealauthz"]["healthcheck"]["test"][2:]
        here = [address[1] if each == "localhost:8443" else each for each in probe]
        assert host.run(here) == (0, "SERVING\n")
        trustme.CA().cert_pem.write_to_path(host.conf / "tls" / "other.crt")
        wrong = [each.replace("ca.crt", "other.crt") for each in here]
        assert host.run(wrong)[0] == 3
        assert host.run([each for each in here if each not in ("--server-name", SERVER_NAME)])[0] == 3
        serving.send_signal(signal.SIGTERM)
        assert serving.wait(30) == 0
        assert host.run(here)[0] == 3
    finally:
        serving.kill()
        serving.communicate()
    assert files_of(prefix) == before
    # What it runs with has neither tests nor tools to build with.
    names = {path.name.split("-")[0] for path in prefix.rglob("*.dist-info")}
    assert not names & {"pytest", "hatchling", "mypy", "pip"}


@pytest.mark.slow
@pytest.mark.parametrize("project", [".", "client"])
def test_two_builds_of_the_same_source_are_the_same_wheel(project: str, tmp_path: Path) -> None:
    """Also from another checkout, whose files have other times."""
    copy = tmp_path / "checkout"
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("src", "policies", "client"):
        shutil.copytree(ROOT / name, copy / name, symlinks=True, ignore=ignored, copy_function=shutil.copyfile)
    for name in ("pyproject.toml", "README.md", "LICENSE", ".gitignore"):
        shutil.copyfile(ROOT / name, copy / name)
    digests = set()
    for number, source in enumerate((ROOT, ROOT, copy)):
        out = tmp_path / str(number)
        command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(out)]
        environment = {**os.environ, "SOURCE_DATE_EPOCH": "1760000000"}
        subprocess.run(command, cwd=source / project, env=environment, check=True, capture_output=True)
        (wheel,) = out.glob("*.whl")
        digests.add(hashlib.sha256(wheel.read_bytes()).hexdigest())
    assert len(digests) == 1
