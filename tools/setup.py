"""Makes .venv: finds or fetches uv and a Python that the policy engine runs on, then installs requirements.lock.

Needs nothing but a Python of 3.8 or later, and touches nothing but .venv and .tools unless a Python must be fetched.
Run it as often as you like: when nothing changed it returns at once, and what a broken-off run left behind is rebuilt.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Callable, Iterable, Iterator, NamedTuple

SERIES = ((3, 12), (3, 11))  # accepted, best first; oso has no wheel for 3.13
NAMES = [".".join(str(part) for part in series) for series in SERIES]
OLDEST_UV = (0, 11)  # the first that knows UV_SYSTEM_CERTS
NEEDED_MODULES = ("ctypes", "sqlite3", "ssl")  # a Python built from source can lack them

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
TOOLS = ROOT / ".tools"
LOCK = ROOT / "requirements.lock"
CLIENT = ROOT / "client"  # the distribution that the server's depends on
STAMP = VENV / "sealauthz-setup.json"  # INVARIANT: exists only while .venv is whole

# What another environment, or a personal setting, would bend in ours.
FOREIGN = (
    "CONDA_PREFIX",
    "PIP_PREFIX",
    "PIP_REQUIRE_VIRTUALENV",
    "PIP_ROOT",
    "PIP_TARGET",
    "PIP_USER",
    "PYTHONHOME",
    "PYTHONPATH",
    "UV_PROJECT_ENVIRONMENT",
    "UV_PYTHON",
    "UV_SYSTEM_PYTHON",
    "VIRTUAL_ENV",
    "__PYVENV_LAUNCHER__",
)

PROBE = """
import importlib, json, os, sys, sysconfig
def is_missing(name):
    try:
        importlib.import_module(name)
    except ImportError:
        return True
def is_optimised():
    if sys.base_prefix == "/usr":  # distributions build theirs so, and Debian's does not say it
        return True
    try:
        return "--enable-optimizations" in (sysconfig.get_config_var("CONFIG_ARGS") or "")
    except Exception:  # a distribution may leave out what a build was made with
        return False
print(json.dumps({
    "version": list(sys.version_info[:3]),
    "implementation": sys.implementation.name,
    "home": os.path.realpath(sys.base_prefix),
    "missing": [name for name in sys.argv[1:] if is_missing(name)],
    "is_optimised": is_optimised(),
}))
"""


class SetupError(Exception):
    """The set-up cannot go on; the message says what the reader can do."""


class Interpreter(NamedTuple):
    """What a Python said about itself when it was run."""

    path: str
    version: tuple[int, ...]
    implementation: str
    home: str
    missing: tuple[str, ...]
    is_optimised: bool  # with a profile of how it runs (PGO), as far as it says so

    @property
    def name(self) -> str:
        """For example `Python 3.12.1`."""
        return "Python " + ".".join(str(part) for part in self.version)


class Candidate(NamedTuple):
    """A place where a suitable Python may be."""

    source: str
    path: str | None  # None: the source had none


def objection(found: Interpreter | None) -> str | None:
    """Says why an interpreter will not do; None means that it will."""
    if found is None:
        return "does not run"
    if found.implementation != "cpython":
        return f"is {found.implementation}, not CPython"
    if found.version[:2] not in SERIES:
        return f"is {found.name}"
    if found.missing:
        return f"is {found.name}, built without {', '.join(found.missing)}"
    return None


def choose(
    candidates: Iterable[Candidate], look: Callable[[str], Interpreter | None]
) -> tuple[Interpreter | None, str, list[str]]:
    """Returns the first suitable interpreter that is optimised, or else the first; its source; and one line for each
    candidate passed over before it.
    """
    passed_over: list[str] = []
    first: tuple[Interpreter, str, int] | None = None
    for source, path in candidates:
        if path is None:
            passed_over.append(f"{source}: none")
            continue
        found = look(path)
        reason = objection(found)
        if found is None or reason is not None:
            passed_over.append(f"{source}: {path} {reason}")
            continue
        if found.is_optimised:
            return found, source, passed_over
        first = first or (found, source, len(passed_over))
        passed_over.append(f"{source}: {path} does not say that it is optimised")
    if first is None:
        return None, "", passed_over
    return first[0], first[1], passed_over[: first[2]]


def newest_first(names: Iterable[str]) -> list[str]:
    """Picks the releases of the accepted series from folder names: best series first, newest first within it."""
    versions = []
    for name in names:
        match = re.fullmatch(r"(\d+)\.(\d+)\.(\d+)", name)
        if match:
            versions.append((tuple(int(part) for part in match.groups()), name))
    versions.sort(reverse=True)
    return [name for series in SERIES for version, name in versions if version[:2] == series]


def locked(lock: str, package: str) -> tuple[str, str]:
    """Returns the version of a package in the text of a lock, and its entry with the hashes."""
    match = re.search(rf"^{re.escape(package)}==(\S+)(?:[^\n]*\\\n)*[^\n]*\n", lock, re.MULTILINE)
    if match is None:
        raise SetupError(f"`{package}` is not in {LOCK.name}")
    return match.group(1), match.group(0)


def is_new_enough(uv_version: str) -> bool:
    """Tells from the output of `uv --version` whether that uv will do."""
    match = re.match(r"uv (\d+)\.(\d+)", uv_version)
    return match is not None and (int(match.group(1)), int(match.group(2))) >= OLDEST_UV


def path_without(folder: Path, path: str) -> str:
    """Returns a PATH without the entries below a folder."""

    def is_below(entry: str) -> bool:
        return folder in (Path(entry).absolute(), *Path(entry).absolute().parents)

    return os.pathsep.join(entry for entry in path.split(os.pathsep) if entry and not is_below(entry))


def child_environment(environment: dict[str, str]) -> dict[str, str]:
    """Returns the environment for uv and pip: no trace of an activated .venv, and the trust of the machine."""
    child = {name: value for name, value in environment.items() if name not in FOREIGN}
    # .venv is what gets rebuilt: neither its uv nor its python may serve to do so.
    child["PATH"] = path_without(VENV, environment.get("PATH", os.defpath))
    child.setdefault("UV_SYSTEM_CERTS", "1")
    return child


def say(line: str) -> None:
    """Tells the reader what happens."""
    print(f"setup: {line}", flush=True)


def output_of(command: list[str], environment: dict[str, str]) -> str | None:
    """Returns what a command prints; None if it fails, hangs or does not exist."""
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode("utf-8", "replace").strip() if done.returncode == 0 else None


def run(command: list[str], environment: dict[str, str], goal: str) -> None:
    """Runs a command that must succeed, showing what it says."""
    try:
        subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, check=True, close_fds=False, cwd=str(ROOT))
    except (OSError, subprocess.CalledProcessError) as error:
        raise SetupError(f"could not {goal} (see above; the command was `{' '.join(command)}`)") from error


def look(path: str, environment: dict[str, str]) -> Interpreter | None:
    """Runs an interpreter and returns what it says about itself; None if it does not run."""
    answer = output_of([path, "-c", PROBE, *NEEDED_MODULES], environment)
    try:
        said = json.loads(answer or "")
        about = said["implementation"], said["home"], tuple(said["missing"]), said["is_optimised"]
        return Interpreter(path, tuple(said["version"]), *about)
    except (ValueError, KeyError, TypeError):
        return None


def find_uv(environment: dict[str, str]) -> str:
    """Returns a uv that runs: the one on PATH, else the locked version, fetched into .tools by pip."""
    on_path = shutil.which("uv", path=environment["PATH"])
    # It is run because a version manager's stand-in can be there and have nothing behind it.
    if on_path and is_new_enough(output_of([on_path, "--version"], environment) or ""):
        return on_path
    version, entry = locked(LOCK.read_text(encoding="utf-8"), "uv")
    home = TOOLS / f"uv-{version}"
    uv = str(home / "bin" / "uv")
    if is_new_enough(output_of([uv, "--version"], environment) or ""):
        return uv
    say(f"fetching uv {version} into {TOOLS.name} (none that will do is on PATH)")
    for leftover in TOOLS.glob("tmp*"):
        shutil.rmtree(str(leftover), ignore_errors=True)  # of a run that was broken off
    with tempfile.TemporaryDirectory(dir=str(TOOLS)) as scratch:
        requirement = Path(scratch) / "uv.txt"
        requirement.write_text(entry, encoding="utf-8")
        target = Path(scratch) / "uv"
        pip = find_pip(Path(scratch), environment)
        options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:", "--require-hashes"]
        quiet = dict(environment, PIP_REQUIRE_VIRTUALENV="0", PIP_ROOT_USER_ACTION="ignore", PIP_USER="0")
        command = [*pip, "install", *options, "--target", str(target), "--requirement", str(requirement)]
        run(command, quiet, "fetch uv with pip; you can install uv yourself and put it on PATH")
        shutil.rmtree(str(home), ignore_errors=True)
        target.rename(home)  # whole or not at all
    if not is_new_enough(output_of([uv, "--version"], environment) or ""):
        raise SetupError(f"the uv that pip fetched ({uv}) does not run here; install uv and put it on PATH")
    return uv


def find_pip(scratch: Path, environment: dict[str, str]) -> list[str]:
    """Returns a command that is pip: that of a Python at hand, else unpacked by ensurepip into a scratch folder."""
    pythons = [sys.executable, getattr(sys, "_base_executable", ""), environment.get("SEALAUTHZ_PYTHON", "")]
    pythons += [shutil.which(name, path=environment["PATH"]) or "" for name in ("python3", "python3.12", "python3.11")]
    pythons += [path for _, path in pyenv_candidates(environment) if path]
    pythons = [python for python in dict.fromkeys(pythons) if python]
    for python in pythons:
        if output_of([python, "-m", "pip", "--version"], environment):
            return [python, "-m", "pip"]
    for python in pythons:
        if output_of([python, "-m", "venv", "--clear", str(scratch / "venv")], environment) is not None:
            return [str(scratch / "venv" / "bin" / "python"), "-m", "pip"]
    raise SetupError(
        "there is neither uv nor pip to start with. Any one of these helps:\n"
        "  - install uv (https://docs.astral.sh/uv/) and put it on PATH\n"
        "  - install pip for your Python (Debian, Ubuntu: apt install python3-pip, or python3-venv)"
    )


def pyenv_candidates(environment: dict[str, str]) -> Iterator[Candidate]:
    """Yields the interpreters below pyenv's folder, best first."""
    versions = Path(environment.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    names = [entry.name for entry in versions.iterdir()] if versions.is_dir() else []
    found = newest_first(names)
    for name in found:
        yield Candidate("pyenv", str(versions / name / "bin" / "python"))
    if not found:
        yield Candidate(f"pyenv ({versions})", None)


def found_by_uv(uv: str, environment: dict[str, str], name: str, option: str) -> str | None:
    """Returns the interpreter that uv finds for a series."""
    # --system: not the .venv that is being made. No --quiet: it would print nothing at all.
    return output_of([uv, "python", "find", "--no-project", "--system", option, name], environment) or None


def uv_candidates(uv: str, environment: dict[str, str]) -> Iterator[Candidate]:
    """Yields the interpreters that uv finds, best series first."""
    for name in NAMES:
        yield Candidate(f"uv python find {name}", found_by_uv(uv, environment, name, "--no-python-downloads"))


def path_candidates(environment: dict[str, str]) -> Iterator[Candidate]:
    """Yields the interpreters in all folders of PATH, best series first: uv names the first only, which may be one
    that was built without care, before that of the system.
    """
    for name in NAMES:
        for folder in environment["PATH"].split(os.pathsep):
            path = str(Path(folder) / f"python{name}")
            if folder and os.access(path, os.X_OK):
                yield Candidate(f"python{name} on PATH", path)


def at_hand(uv: str, environment: dict[str, str]) -> Iterator[Candidate]:
    """Yields where a suitable Python may be on this machine, best first, each once."""
    seen = set()
    for source in (uv_candidates(uv, environment), path_candidates(environment), pyenv_candidates(environment)):
        for candidate in source:
            real = candidate.path and os.path.realpath(candidate.path)
            if real is None or real not in seen:
                seen.add(real)
                yield candidate


def fetched(uv: str, environment: dict[str, str]) -> Iterator[Candidate]:
    """Yields a Python that uv fetches."""
    say(f"no suitable Python at hand; asking uv to fetch {NAMES[0]}")
    path = None
    if has_run([uv, "python", "install", "--no-bin", NAMES[0]], environment):
        path = found_by_uv(uv, environment, NAMES[0], "--managed-python")
    yield Candidate(f"uv python install {NAMES[0]}", path)


def has_run(command: list[str], environment: dict[str, str]) -> bool:
    """Runs a command that may fail, showing what it says; tells whether it succeeded."""
    try:
        return (
            subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, check=False, close_fds=False).returncode
            == 0
        )
    except OSError:
        return False


def asked_for(environment: dict[str, str]) -> Interpreter | None:
    """Returns the interpreter that SEALAUTHZ_PYTHON names; None if it is not set."""
    asked = environment.get("SEALAUTHZ_PYTHON")
    if not asked:
        return None
    path = shutil.which(str(Path(asked).expanduser()), path=environment["PATH"])
    if path is None:
        raise SetupError(
            f"SEALAUTHZ_PYTHON is `{asked}`, and there is no such program; name a Python 3.12 or 3.11, or unset it"
        )
    found = look(path, environment)
    reason = objection(found)
    if reason is not None:
        raise SetupError(f"SEALAUTHZ_PYTHON is `{asked}`, which {reason}; name a CPython 3.12 or 3.11, or unset it")
    return found


def find_python(uv: str, environment: dict[str, str]) -> tuple[Interpreter, str]:
    """Returns the interpreter for a new .venv, and where it was found."""
    passed_over: list[str] = []
    for source_of in (at_hand, fetched):
        found, source, without = choose(source_of(uv, environment), lambda path: look(path, environment))
        if found is not None:
            return found, source
        passed_over += without
    lines = "".join(f"  - {line}\n" for line in passed_over)
    raise SetupError(
        "no Python 3.12 or 3.11 was found, and none could be fetched (oso, the policy engine, is not published\n"
        f"for later versions). Looked for:\n{lines}"
        "Any one of these helps; then run the same command again:\n"
        "  - install Python 3.12: apt install python3.12, dnf install python3.12, brew install python@3.12\n"
        "  - pyenv install 3.12\n"
        "  - name one that you have: export SEALAUTHZ_PYTHON=/path/to/python3.12\n"
        "  - let `uv python install 3.12` reach the network"
    )


def digest_of_inputs() -> str:
    """Returns a digest of the files that decide what .venv holds."""
    digest = hashlib.sha256()
    for file in (LOCK, ROOT / "pyproject.toml", CLIENT / "pyproject.toml", Path(__file__)):
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def read_stamp() -> dict[str, str]:
    """Returns what the last complete run noted; empty if .venv is not known to be whole, or was made elsewhere."""
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) and stamp.get("root") == str(ROOT) else {}


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Keeps other set-ups out of this folder, waiting for one at work; the system lifts this with the process."""
    try:
        import fcntl
    except ImportError:
        raise SetupError("this runs on Linux and macOS; on Windows use WSL") from None
    TOOLS.mkdir(exist_ok=True)
    with (TOOLS / "setup.lock").open("w") as file:
        # Children hold it too: if this process is killed, a pip or uv that it started may still be writing.
        os.set_inheritable(file.fileno(), True)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another set-up is at work in this folder; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def set_up() -> None:
    """Brings .venv to what the lock says."""
    environment = child_environment(dict(os.environ))
    in_venv = str(VENV / "bin" / "python")
    asked = asked_for(environment)
    stamp = read_stamp()
    present = look(in_venv, environment) if stamp else None
    # A whole .venv stays on its interpreter, whatever PATH has meanwhile, unless another is asked for.
    keeps = present is not None and objection(present) is None and (asked is None or asked[1:4] == present[1:4])
    inputs = digest_of_inputs()
    if keeps and present is not None and stamp.get("inputs") == inputs:
        say(f"{VENV.name} is up to date ({present.name})")
        return

    uv = find_uv(environment)
    if keeps and present is not None:
        say(f"bringing {VENV.name} ({present.name}) to what {LOCK.name} says")
        STAMP.unlink()
    else:
        chosen, source = (asked, "SEALAUTHZ_PYTHON") if asked else find_python(uv, environment)
        say(f"making {VENV.name} with {chosen.name} from {chosen.path} ({source})")
        with contextlib.suppress(OSError):
            STAMP.unlink()  # first: the removal below may be broken off
        if VENV.is_symlink() or VENV.is_file():
            VENV.unlink()
        command = [uv, "venv", "--quiet", "--no-project", "--clear", "--force", "--python", chosen.path, str(VENV)]
        run(command, environment, f"make {VENV.name}")
        made = look(in_venv, environment)
        if objection(made) is not None:
            raise SetupError(f"{VENV.name} was made, but its python {objection(made)}")
        if made is not None and not made.is_optimised:
            say(f"note: {made.name} does not say that it was built with --enable-optimizations; on one that was,")
            say("      a decision takes up to 30 % less. SEALAUTHZ_PYTHON names another")

    count = len(re.findall(r"^\S+==", LOCK.read_text(encoding="utf-8"), re.MULTILINE))
    say(f"installing {count} locked packages (the first time takes a minute or so)")
    at = ["--quiet", "--python", in_venv]
    # What the project needs to be built is locked too, hence no build isolation.
    run([uv, "pip", "sync", *at, "--require-hashes", str(LOCK)], environment, f"install what {LOCK.name} says")
    ours = ["--editable", str(CLIENT), "--editable", str(ROOT)]
    command = [uv, "pip", "install", *at, "--no-deps", "--no-build-isolation", *ours]
    run(command, environment, "install sealauthz and its client")
    run([in_venv, "-c", "import sealauthz, sealauthz_client"], environment, "import sealauthz after installing it")
    if output_of([in_venv, "-c", "import oso"], environment) is None:
        say("note: oso, the reference engine, publishes no wheel for this kind of machine and was left out")

    scratch = STAMP.with_suffix(".new")
    scratch.write_text(json.dumps({"root": str(ROOT), "inputs": inputs}), encoding="utf-8")
    scratch.replace(STAMP)
    say(f"done; `. {VENV.name}/bin/activate` puts sealauthz on your PATH")


def main() -> int:
    """Runs the set-up; returns the exit code."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    try:
        with alone():
            set_up()
    except SetupError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("setup: broken off; the next run starts over", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
