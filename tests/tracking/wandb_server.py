"""W&B's server, as much of it as wandb-core 0.31 needs, on a free port of loopback; it can be told to misbehave.

    WandbTracker -> wandb -> wandb-core (a Go binary) -> WandbServer

It speaks, at /graphql:

    RunResumeStatus           what is there of a run that goes on, or nothing
    StageOnServer             likewise; it is what `berth sync` asks
    UpsertBucket              a run begins; or its config, its names change
    NotifyScriptableRunAlert  an alert
    CreateRunFiles            where to put files of the run: config.yaml, tables
    MarkRunFilesUploaded      they are there
    ArtifactType              whether an artifact of that name has another type; nothing stands in the way here
    CreateArtifact            an artifact begins, its metadata
    CreateArtifactFiles       where to put files of an artifact that are not referred to: a table of answers
    CreateArtifactManifest    where to put the list of its files
    CommitArtifact            it is whole
    Viewer, ServerFeaturesQuery, OrgFeatureFlags, OrganizationCoreWeaveOrganizationID, XXHashDigestsEnabled
                              who asks and what the server can do: nothing special

and POST /files/<entity>/<project>/<run>/file_stream takes lines of wandb-history.jsonl and others from an offset on,
the whole of wandb-summary.json, and at the end `complete` with the exit code. PUT below /storage takes files. POST
/misbehave/<fault> is ours: a process under test switches the fault by it. All else (telemetry) is answered with {}.

What the real server does beyond that is not known here; it is told nothing of who may write what.
"""

import contextlib
import json
import sys
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from typing import Any, Literal, get_args
from urllib.parse import unquote, urlsplit

from tests.http_handler import HttpHandler

Fault = Literal["hang", "401", "403", "429", "500", "cut"]
"""`hang`: accepts and never answers. `cut`: TCP RST instead of an answer. Numbers: that status."""

FAULTS: tuple[Fault, ...] = get_args(Fault)

ENTITY = "harbour-masters"
"""To whom every run belongs."""


@dataclass
class Run:
    """What has come of one W&B run."""

    names: dict[str, Any] = field(default_factory=dict)
    """The arguments of UpsertBucket: name (the id), displayName, groupName, jobType, project."""
    config: dict[str, Any] = field(default_factory=dict)
    files: dict[str, dict[int, str]] = field(default_factory=dict)
    """Lines by their number, of every file that is streamed."""
    alerts: list[tuple[str, str, str]] = field(default_factory=list)
    """Title, text, level."""
    uploaded: dict[str, bytes] = field(default_factory=dict)
    exit_codes: list[int] = field(default_factory=list)
    """One each time that it finished."""
    state: Literal["running", "finished", "failed"] = "running"

    @property
    def history(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines("wandb-history.jsonl")]

    @property
    def summary(self) -> dict[str, Any]:
        return json.loads((self.lines("wandb-summary.json") or ["{}"])[-1])

    def lines(self, file: str) -> list[str]:
        return [line for _, line in sorted(self.files.get(file, {}).items())]


@dataclass
class Artifact:
    """What has come of one artifact."""

    kind: str
    name: str
    metadata: dict[str, Any]
    files: dict[str, str] = field(default_factory=dict)
    """Where they are, by name: what its manifest refers to, and "" where the file was uploaded."""
    uploaded: dict[str, bytes] = field(default_factory=dict)
    committed: bool = False


class WandbServer:
    """What it received, and how it behaves."""

    def __init__(self, fault: Fault | None = None, after: int = 0) -> None:
        self.fault = fault
        self.after = after
        """So many more requests are answered before the fault begins."""
        self.runs: dict[str, Run] = {}
        """By id, in the order of their first upload."""
        self.artifacts: list[Artifact] = []
        self.requests: list[str] = []
        """Operations and paths, those that met a fault too."""
        self.keys: set[str] = set()
        """That authorised a request."""
        self.url = ""
        self.closing = threading.Event()
        self.lock = threading.Lock()

    @property
    def environment(self) -> dict[str, str]:
        """What a client needs."""
        return {"WANDB_BASE_URL": self.url, "WANDB_API_KEY": "0" * 40}

    @contextlib.contextmanager
    def listening(self) -> Generator["WandbServer"]:
        """On a free port of loopback."""
        server = _Listener(("127.0.0.1", 0), type("Handler", (_Handler,), {"wandb": self}))
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield self
        finally:
            self.closing.set()
            server.shutdown()
            server.server_close()
            thread.join()

    def fault_of(self, request: str) -> Fault | None:
        """What is done to the request, which is noted."""
        with self.lock:
            self.requests.append(request)
            if not self.fault or self.after:
                self.after = max(0, self.after - 1)
                return None
            return self.fault

    def operation(self, name: str, variables: dict[str, Any]) -> dict[str, Any]:
        """The data that answers a GraphQL operation."""
        operations: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "RunResumeStatus": self._resume_status,
            "StageOnServer": lambda asked: self._resume_status({"project": asked["project"], "name": asked["run"]}),
            "UpsertBucket": self._upsert,
            "NotifyScriptableRunAlert": self._alert,
            "CreateRunFiles": self._run_files,
            "MarkRunFilesUploaded": lambda _: {"markRunFilesUploaded": {"success": True}},
            "ArtifactType": lambda _: {"project": {"artifact": None}},
            "CreateArtifact": self._artifact,
            "CreateArtifactFiles": self._artifact_files,
            "CreateArtifactManifest": self._manifest,
            "CommitArtifact": self._commit,
            "Viewer": lambda _: {"viewer": {"id": "1", "entity": ENTITY, "username": "", "teams": {"edges": []}}},
            "ServerFeaturesQuery": lambda _: {"serverInfo": {"features": []}},
            "OrgFeatureFlags": lambda _: {"organization": None},
            "OrganizationCoreWeaveOrganizationID": lambda _: {"entity": None},
            "XXHashDigestsEnabled": lambda _: {"entity": None},
        }
        with self.lock:
            return operations[name](variables)

    def stream(self, run_id: str, body: dict[str, Any]) -> None:
        """Lines of a run's files, and its end."""
        with self.lock:
            run = self.runs[run_id]
            for name, part in body.get("files", {}).items():
                lines = run.files.setdefault(name, {})
                lines.update(enumerate(part["content"], part["offset"]))
            if body.get("complete"):
                run.exit_codes.append(body["exitcode"])
                run.state = "failed" if body["exitcode"] else "finished"

    def store(self, path: str, content: bytes) -> None:
        """A file at /storage/run/<id>/<name>, /storage/artifact/<number>/<name> or /storage/manifest/<number>."""
        _, _, kind, owner, *name = path.split("/")
        with self.lock:
            if kind == "run":
                self.runs[unquote(owner)].uploaded["/".join(name)] = content
            elif kind == "manifest":
                entries = json.loads(content)["contents"]
                self.artifacts[int(owner)].files = {name: entry.get("ref", "") for name, entry in entries.items()}
            else:
                self.artifacts[int(owner)].uploaded["/".join(name)] = content

    def _resume_status(self, asked: dict[str, Any]) -> dict[str, Any]:
        run = self.runs.get(asked["name"])
        if run is None:
            return {"model": None}
        history = run.lines("wandb-history.jsonl")
        bucket = {
            "id": asked["name"],
            "name": asked["name"],
            "displayName": run.names.get("displayName"),
            "state": run.state,
            "historyLineCount": len(history),
            "eventsLineCount": len(run.lines("wandb-events.jsonl")),
            "logLineCount": len(run.lines("output.log")),
            "historyTail": json.dumps(history[-1:]),
            "eventsTail": json.dumps(run.lines("wandb-events.jsonl")[-1:]),
            "summaryMetrics": json.dumps(run.summary),
            "config": json.dumps({name: {"value": value} for name, value in run.config.items()}),
            "wandbConfig": json.dumps({"t": run.config.get("_wandb", {}).get("t")}),
            "tags": [],
            "notes": None,
        }
        entity = {"id": ENTITY, "name": ENTITY}
        return {"model": {"id": asked["project"], "name": asked["project"], "entity": entity, "bucket": bucket}}

    def _upsert(self, asked: dict[str, Any]) -> dict[str, Any]:
        inserted = asked["name"] not in self.runs
        run = self.runs.setdefault(asked["name"], Run())
        run.names |= {name: value for name, value in asked.items() if value is not None}
        config = json.loads(run.names.pop("config", "{}"))
        run.config |= {name: item["value"] for name, item in config.items()}
        run.state = "running"
        entity = {"id": ENTITY, "name": ENTITY}
        bucket = {
            "id": asked["name"],
            "name": asked["name"],
            "displayName": run.names.get("displayName"),
            "description": None,
            "config": "{}",
            "sweepName": None,
            "project": {"id": asked["project"], "name": asked["project"], "entity": entity},
            "historyLineCount": len(run.history),
        }
        return {"upsertBucket": {"bucket": bucket, "inserted": inserted}}

    def _alert(self, asked: dict[str, Any]) -> dict[str, Any]:
        self.runs[asked["runName"]].alerts.append((asked["title"], asked["text"], asked["severity"]))
        return {"notifyScriptableRunAlert": {"success": True}}

    def _run_files(self, asked: dict[str, Any]) -> dict[str, Any]:
        place = f"{self.url}/storage/run/{asked['run']}"
        files = [{"name": name, "uploadUrl": f"{place}/{name}"} for name in asked["files"]]
        return {"createRunFiles": {"runID": asked["run"], "uploadHeaders": [], "files": files}}

    def _artifact(self, asked: dict[str, Any]) -> dict[str, Any]:
        given = asked["input"]
        self.artifacts.append(
            Artifact(given["artifactTypeName"], given["artifactCollectionName"], json.loads(given["metadata"] or "{}"))
        )
        artifact = {
            "id": str(len(self.artifacts) - 1),
            "state": "PENDING",
            "artifactSequence": {"id": given["artifactCollectionName"], "latestArtifact": None},
        }
        return {"createArtifact": {"artifact": artifact}}

    def _artifact_files(self, asked: dict[str, Any]) -> dict[str, Any]:
        nodes = [
            {
                "name": file["name"],
                "displayName": file["name"],
                "storagePath": None,
                "uploadUrl": f"{self.url}/storage/artifact/{file['artifactID']}/{file['name']}",
                "uploadHeaders": [],
                "uploadMultipartUrls": None,
                "artifact": {"id": file["artifactID"]},
            }
            for file in asked["input"]["artifactFiles"]
        ]
        return {"createArtifactFiles": {"files": {"edges": [{"node": node} for node in nodes]}}}

    def _manifest(self, asked: dict[str, Any]) -> dict[str, Any]:
        number = asked["artifactID"]
        file = {"id": number, "uploadUrl": f"{self.url}/storage/manifest/{number}", "uploadHeaders": []}
        return {"createArtifactManifest": {"artifactManifest": {"id": number, "file": file}}}

    def _commit(self, asked: dict[str, Any]) -> dict[str, Any]:
        self.artifacts[int(asked["artifactID"])].committed = True
        return {"commitArtifact": {"artifact": {"id": asked["artifactID"], "digest": ""}}}


class _Listener(ThreadingHTTPServer):
    """Does not wait for those that hang."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Be quiet about a client that is gone, and loud about our own mistakes."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # pyright: ignore[reportArgumentType]


class _Handler(HttpHandler):
    """A client's connection."""

    wandb: WandbServer

    def do_POST(self) -> None:  # noqa: N802 - the library's name
        body = self.read_body()
        path = unquote(urlsplit(self.path).path)
        if path.startswith("/misbehave/"):
            self.wandb.fault = path.removeprefix("/misbehave/")  # pyright: ignore[reportAttributeAccessIssue]
            self.answer_json(200, {})
            return
        request = json.loads(body) if path == "/graphql" else {}
        name = _operation(request) if request else path
        if fault := self.wandb.fault_of(name):
            self._fail(fault)
        else:
            self._take(path, name, request.get("variables") or {}, body)

    do_GET = do_PUT = do_POST  # noqa: N815 - the library's names

    def _take(self, path: str, name: str, variables: dict[str, Any], body: bytes) -> None:
        self.wandb.keys.add(self.headers.get("Authorization", ""))
        answer: dict[str, Any] = {}
        if path == "/graphql":
            answer = {"data": self.wandb.operation(name, variables)}
        elif path.endswith("/file_stream"):
            self.wandb.stream(path.split("/")[-2], json.loads(body))
        elif path.startswith("/storage/"):
            self.wandb.store(path, body)
        self.answer_json(200, answer)

    def _fail(self, fault: Fault) -> None:
        self.close_connection = True
        if fault == "hang":
            self.wandb.closing.wait()
        elif fault == "cut":
            self.reset()
        else:
            self.answer_json(int(fault), {"errors": [{"message": f"this is a {fault}"}]})


def _operation(request: dict[str, Any]) -> str:
    """The name of a GraphQL operation; the Python part of wandb gives it in the query alone."""
    return request.get("operationName") or request["query"].split("(")[0].split("{")[0].split()[1]
