"""W&B's server with saved views and reports, as much of both as wandb-workspaces 0.4 needs.

Beside what `wandb_server` speaks:

    GetDefaultEntity      who asks
    GetProjects           the projects of an entity
    CreateProject         one more
    upsertView            a report, by its id or a new one
    UpsertView2           a saved view, likewise
    View                  a saved view by its name

What the real server says of a page that is gone is not known here; this one says `null`.
"""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.tracking.wandb_server import ENTITY, WandbServer


@dataclass
class Page:
    """A saved view or a report."""

    kind: str
    """`project-view` or `runs`."""
    title: str
    project: str
    name: str
    spec: dict[str, Any]
    saved: int = 1
    """Times."""


class PagesServer(WandbServer):
    """It has no project in the beginning."""

    def __init__(self) -> None:
        super().__init__()
        self.projects: list[str] = []
        self.pages: dict[str, Page] = {}
        """By id."""

    def operation(self, name: str, variables: dict[str, Any]) -> dict[str, Any]:
        operations: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "GetDefaultEntity": lambda _: {"viewer": {"id": "1", "entity": ENTITY}},
            "GetProjects": lambda _: {"models": self._listed()},
            "CreateProject": self._create_project,
            "upsertView": self._upsert_page,
            "UpsertView2": self._upsert_page,
            "View": self._view,
        }
        if name not in operations:
            return super().operation(name, variables)
        with self.lock:
            return operations[name](variables)

    def of_kind(self, kind: str) -> list[Page]:
        return [page for page in self.pages.values() if page.kind == kind]

    def _listed(self) -> dict[str, Any]:
        about = {"id": "1", "entityName": ENTITY, "createdAt": "2026-01-01", "isBenchmark": False, "user": None}
        nodes = [{"node": about | {"__typename": "Project", "name": name}} for name in self.projects]
        return {"edges": nodes, "pageInfo": {"__typename": "PageInfo", "endCursor": None, "hasNextPage": False}}

    def _create_project(self, asked: dict[str, Any]) -> dict[str, Any]:
        self.projects.append(asked["input"]["name"])
        return {"result": {"project": None, "model": None, "inserted": True}}

    def _upsert_page(self, asked: dict[str, Any]) -> dict[str, Any]:
        id = asked.get("id") or base64.b64encode(f"View:{len(self.pages)}".encode()).decode()
        known = self.pages.get(id)
        if asked["projectName"] not in self.projects or (asked.get("id") and not known):
            return {"upsertView": None}
        names = asked["type"], asked["displayName"], asked["projectName"], asked["name"]
        page = self.pages[id] = Page(*names, json.loads(asked["spec"]), known.saved + 1 if known else 1)
        project = {"id": "1", "name": page.project, "entityName": asked["entityName"]}
        view = {"id": id, "name": page.name, "displayName": page.title, "project": project, "spec": asked["spec"]}
        return {"upsertView": {"view": view, "inserted": known is None}}

    def _view(self, asked: dict[str, Any]) -> dict[str, Any]:
        found = [
            {"node": {"id": id, "displayName": page.title, "spec": json.dumps(page.spec)}}
            for id, page in self.pages.items()
            if page.name == asked["viewName"]
        ]
        return {"project": {"allViews": {"edges": found}}}
