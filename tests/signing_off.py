"""Signs off whatever a folder of policies needs signed: for tests that are about something else."""

from __future__ import annotations

from pathlib import Path

from sealauthz.decision.bundle import installed_folder_of
from sealauthz.decision.checking import attributes
from sealauthz.decision.folder import fitting, layout_of, read_extension, read_parameters, read_sources, read_texts
from sealauthz.decision.signoffs import Excess, excesses_of
from sealauthz.model import MODEL
from sealauthz.polar import admit
from sealauthz.polar.groups import expanded
from sealauthz.schema import Model

SIGNED = "Security, 2026-03-01: agreed for the pilot"


def excesses_in(folder: Path, model: Model = MODEL) -> list[Excess]:
    """What needs a signature in a folder, whatever else is wrong with it."""
    installed = installed_folder_of(model)
    layout = layout_of(folder, installed=installed)
    adds, _ = read_extension(layout)
    names = attributes(fitting(model, adds))
    expansion = expanded(statement for source in read_sources(layout) for statement in admit(source, names))
    parameters, _ = read_parameters(layout, model.parameters)
    return excesses_of(layout, expansion, parameters, read_texts(layout)[0], installed, adds)


def sign_off(folder: Path, model: Model = MODEL, why: str = SIGNED) -> list[str]:
    """Add to `bundle.toml` the lines that a folder needs and has not; return their names."""
    path = folder / "bundle.toml"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    names = [each.name for each in excesses_in(folder, model) if f'"{each.name}"' not in text]
    above = "" if "[accepts]" in text or not names else "\n[accepts]\n"
    path.write_text(text + above + "".join(f'"{name}" = "{why}"\n' for name in names), encoding="utf-8")
    return names
