"""Bundles that differ from the installed one in one thing."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from sealauthz.decision import Bundle
from sealauthz.decision import bundle as bundle_module
from sealauthz.decision.bundle import installed_folder
from sealauthz.model import MODEL
from sealauthz.schema import Model


def without(text: str, *heads: str) -> str:
    """Policy text without the statements that begin like this, with a line less for each line of them."""
    for head in heads:
        start = text.index(f"\n{head}") + 1
        end = text.index(";\n", start) + 2
        text = text[:start] + text[end:]
    return text


def replaced(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new)


def _face_is_short(folder: Path) -> None:
    edit(folder, "parameters.toml", lambda t: replaced(t, 'face_for_use = "30 minutes"', 'face_for_use = "2 minutes"'))


def _official_needs_no_face(folder: Path) -> None:
    edit(
        folder,
        "seal_use.polar",
        lambda t: replaced(t, '["DEPARTMENT", "OTHER"]', '["DEPARTMENT", "OTHER", "OFFICIAL"]'),
    )


def _any_certificate_does(folder: Path) -> None:
    left_out = 'exempt("SEALING", "use", _: Seal, "CERTIFICATE_VALID", "Any does.");'
    edit(folder, "sealing.polar", lambda text: f"{text}{left_out}\n")
    edit(folder, "seal_use.polar", lambda text: without(text, 'meets(_: Person, "CERTIFICATE_VALID", "use"'))


def _anybodys_face_does(folder: Path) -> None:
    edit(folder, "words.polar", lambda t: replaced(t, "  check.person_id = person.id and\n", ""))


def _any_object_does(folder: Path) -> None:
    edit(folder, "words.polar", lambda t: replaced(t, "  check.bound_id = object_id;", "  object_id matches String;"))


def _administrators_edit(folder: Path) -> None:
    edit(
        folder,
        "roles.polar",
        lambda t: replaced(t, '  "edit" if "legal', '  "edit" if "administrator" on "owner";\n  "edit" if "legal'),
    )
    added = "\nmay_manage(person: Person, seal: Seal, context) if is_administrator(person, seal.enterprise, context);\n"
    edit(folder, "seal_management.polar", lambda t: t + added)


def _members_do_not_view(folder: Path) -> None:
    edit(folder, "roles.polar", lambda t: replaced(t, '  "view" if "member" on "owner";\n', ""))


def _view_needs_use(folder: Path) -> None:
    added = (
        '\nrequires("view", _: Seal, "SEAL_USABLE");\n'
        'meets(_: Person, "SEAL_USABLE", "view", seal: Seal, _) if seal.kind = "FINANCE";\n'
    )
    edit(folder, "seal_use.polar", lambda t: t + added)


def _tasks_do_not_tie(folder: Path) -> None:
    head = "is_connected_to(person: Person, enterprise: Enterprise, context) if has_open_sent_task"
    edit(folder, "visibility.polar", lambda t: without(t, head))


def _operators_see_no_task(folder: Path) -> None:
    head = "visible(person: Person, task: SigningTask, _) if\n  is_there(task.signatory) and\n  is_named_in_task"
    edit(folder, "visibility.polar", lambda t: without(t, head))


def _others_must_be_told(folder: Path) -> None:
    def change(text: str) -> str:
        return replaced(
            text,
            'obligation(_: Person, "use", _: Seal, _, "NOTIFY_MONITORS")',
            'obligation(_: Person, "use", _: Seal, _, "NOTIFY_LEGAL")',
        )

    edit(folder, "seal_use.polar", change)


def _any_reason_does(folder: Path) -> None:
    edit(
        folder,
        "retrieval.polar",
        lambda t: replaced(t, 'context.reason in ["ADMIN_RESIGNED",', 'context.reason in ["MOVED", "ADMIN_RESIGNED",'),
    )


def _destroy_never_ends(folder: Path) -> None:
    added = '\nwalks(seal: Seal) if seal.id = "" or walks(seal);\n'
    edit(folder, "words.polar", lambda t: t + added)
    head = 'has_permission(person: Person, "destroy", seal: Seal) if '
    edit(folder, "roles.polar", lambda t: replaced(t, head, f"{head}walks(seal) or "))


def _view_never_ends(folder: Path) -> None:
    added = '\nwalks(seal: Seal) if seal.kind = "FINANCE";'
    added += "\nwalks(seal: Seal) if grant in seal.grants and walks(grant.seal);\n"
    edit(folder, "words.polar", lambda t: t + added)
    edit(
        folder,
        "visibility.polar",
        lambda t: replaced(
            t,
            "if is_connected_to(person, seal.enterprise, context)",
            "if walks(seal) or is_connected_to(person, seal.enterprise, context)",
        ),
    )


VARIANTS = {
    function.__name__: function
    for function in (
        _face_is_short,
        _official_needs_no_face,
        _any_certificate_does,
        _anybodys_face_does,
        _any_object_does,
        _administrators_edit,
        _members_do_not_view,
        _view_needs_use,
        _tasks_do_not_tie,
        _operators_see_no_task,
        _others_must_be_told,
        _any_reason_does,
        _destroy_never_ends,
        _view_never_ends,
    )
}


def edit(folder: Path, name: str, change: Any) -> None:
    path = folder / name
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")


def loaded(folder: Path, model: Model = MODEL) -> Bundle:
    """A bundle that is not checked, which takes longer than the rest of loading it: its rules are known to be right."""
    with pytest.MonkeyPatch.context() as patch:
        for check in ("diagnostics_of", "floor_diagnostics_of", "signoff_diagnostics_of"):
            patch.setattr(bundle_module, check, lambda *_: [])
        return Bundle.load(model, folder)


KEPT = 6
"""How many bundles are kept besides the installed one: each is some fifteen megabytes."""


class Bundles:
    """Bundles by what is different in them; the ones that were used last are kept."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._installed = Bundle.load(MODEL)
        self._loaded: dict[str, Bundle] = {}

    def __getitem__(self, name: str) -> Bundle:
        if not name:
            return self._installed
        bundle = self._loaded.pop(name, None) or loaded(self.folder(name))
        for oldest in list(self._loaded)[: 1 - KEPT]:
            del self._loaded[oldest]
        self._loaded[name] = bundle
        return bundle

    def folder(self, name: str) -> Path:
        folder = self._folder / name
        if not folder.exists():
            shutil.copytree(installed_folder(), folder)
            VARIANTS[name](folder)
        return folder
