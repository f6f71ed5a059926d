# Copyright 2026 The unires-hf authors. Apache-2.0.
"""A small Hub on localhost: it takes what `huggingface_hub` sends over HTTP, and gives it back."""

import base64
import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

LARGE = (".safetensors", ".parquet", ".png")
PREFIXES = {"model": "", "dataset": "datasets/", "space": "spaces/"}
KINDS = {prefix: kind for kind, prefix in PREFIXES.items()}


@dataclass
class Repository:
    """What was asked for when it was made, its files, and which of them came as LFS objects."""

    settings: dict
    files: dict[str, bytes] = field(default_factory=dict)
    large: set[str] = field(default_factory=set)

    @property
    def commit(self) -> str:
        return hashlib.sha1(b"".join(name.encode() + self.files[name] for name in sorted(self.files))).hexdigest()


class HubStandIn(ThreadingHTTPServer):
    """Repositories by (kind, name); `token` is the only one that may write."""

    daemon_threads = True
    token = "hf_stand_in"

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repositories: dict[tuple[str, str], Repository] = {}
        self.objects: dict[str, bytes] = {}
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: HubStandIn

    def log_message(self, *arguments):
        pass

    def do_POST(self):
        path, body = unquote(urlsplit(self.path).path), self._body()
        if self.headers.get("Authorization") != f"Bearer {self.server.token}":
            self._answer(401, {"error": "Invalid username or password."})
        elif path == "/api/repos/create":
            self._create(json.loads(body))
        elif path == "/api/validate-yaml":
            valid = json.loads(body)["content"].startswith("---\n")
            self._answer(200 if valid else 400, {"warnings": [], "errors": [] if valid else [{"message": "no YAML"}]})
        elif found := re.fullmatch(r"/api/(model|dataset|space)s/([^/]+/[^/]+)/preupload/main", path):
            self._preupload(json.loads(body))
        elif path.endswith(".git/info/lfs/objects/batch"):
            self._lfs_batch(json.loads(body))
        elif found := re.fullmatch(r"/api/(model|dataset|space)s/([^/]+/[^/]+)/commit/main", path):
            self._commit(found[1], found[2], body.decode())
        else:
            self._unknown()

    def do_PUT(self):
        body = self._body()
        name = self.path.rpartition("/")[2]
        if hashlib.sha256(body).hexdigest() != name:
            return self._answer(400, {"error": "the bytes are not those of the digest"})
        self.server.objects[name] = body
        self._answer(200, {})

    def do_HEAD(self):
        self._give(with_body=False)

    def do_GET(self):
        self._give(with_body=True)

    def _create(self, asked: dict):
        kind, name = asked.pop("type", "model"), f"{asked.pop('organization')}/{asked.pop('name')}"
        url = self._address(kind, name)
        if (kind, name) in self.server.repositories:
            return self._answer(409, {"error": "You already created this repo", "url": url})
        self.server.repositories[kind, name] = Repository(asked)
        self._answer(200, {"url": url})

    def _preupload(self, asked: dict):
        modes = [
            {
                "path": file["path"],
                "uploadMode": "lfs" if file["path"].endswith(LARGE) else "regular",
                "shouldIgnore": False,
            }
            for file in asked["files"]
        ]
        self._answer(200, {"files": modes})

    def _lfs_batch(self, asked: dict):
        objects = [
            item | {"actions": {"upload": {"href": f"{self.server.url}/objects/{item['oid']}"}}}
            for item in asked["objects"]
        ]
        self._answer(200, {"transfer": "basic", "objects": objects}, "application/vnd.git-lfs+json")

    def _commit(self, kind: str, name: str, lines: str):
        repository = self.server.repositories[kind, name]
        for line in map(json.loads, lines.splitlines()):
            value = line["value"]
            if line["key"] == "file":
                repository.files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                repository.files[value["path"]] = self.server.objects[value["oid"]]
                repository.large.add(value["path"])
        oid = repository.commit
        self._answer(200, {"commitUrl": f"{self._address(kind, name)}/commit/{oid}", "commitOid": oid})

    def _address(self, kind: str, name: str) -> str:
        return f"{self.server.url}/{PREFIXES[kind]}{name}"

    def _give(self, with_body: bool):
        path = unquote(urlsplit(self.path).path)
        if found := re.fullmatch(r"/(datasets/|spaces/|)([^/]+/[^/]+)/resolve/[^/]+/(.+)", path):
            repository = self.server.repositories.get((KINDS[found[1]], found[2]))
            if repository is None:
                return self._answer(404, {}, code="RepoNotFound")
            if found[3] not in repository.files:
                return self._answer(404, {}, code="EntryNotFound", commit=repository.commit)
            content = repository.files[found[3]]
            return self._send(200, content, "application/octet-stream", with_body, commit=repository.commit)
        if found := re.fullmatch(r"/api/(model|dataset|space)s/([^/]+/[^/]+)(/revision/[^/]+|/tree/[^/]+.*|)", path):
            repository = self.server.repositories.get((found[1], found[2]))
            if repository is None:
                return self._answer(404, {}, code="RepoNotFound")
            if found[3].startswith("/tree/"):
                files = [
                    {"type": "file", "path": name, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
                    for name, content in repository.files.items()
                ]
                return self._answer(200, files)
            siblings = [{"rfilename": name} for name in repository.files]
            return self._answer(200, {"id": found[2], "sha": repository.commit, "siblings": siblings, "tags": []})
        self._unknown()

    def _unknown(self):
        self._answer(404, {"error": "the stand-in does not know this"})

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        pieces = []
        while size := int(self.rfile.readline(), 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def _answer(self, status: int, content: dict | list, kind: str = "application/json", code=None, commit=None):
        self._send(status, json.dumps(content).encode(), kind, self.command != "HEAD", code, commit)

    def _send(self, status: int, content: bytes, kind: str, with_body: bool, code=None, commit=None):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        if code is not None:
            self.send_header("X-Error-Code", code)
        if commit is not None:
            self.send_header("X-Repo-Commit", commit)
        self.end_headers()
        if with_body:
            self.wfile.write(content)
