"""The cases by group, in the order of the page."""

from tests.bad_inputs.case import Case
from tests.bad_inputs.cases import (
    command_line,
    launching,
    models,
    pages,
    prepare,
    run_files,
    run_settings,
    squad,
    squad_files,
)

EVERY: dict[str, tuple[Case, ...]] = {
    "The command line": command_line.CASES,
    "berth run: files that are no run": run_files.CASES,
    "berth run: settings": run_settings.CASES,
    "berth prepare": prepare.CASES,
    "berth squad": squad.CASES,
    "berth squad: files that are not SQuAD's": squad_files.CASES,
    "berth export, fill-mask, answer": models.CASES,
    "berth report, scores, sync, dashboard, doctor": pages.CASES,
    "berth plan": launching.PLAN,
    "berth render": launching.RENDER,
    "Commands that need a cluster": launching.CLUSTER,
}
