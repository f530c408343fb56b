"""Packs one program as a container image, an OCI layout: layout.py NAME FOLDER PROGRAM."""

import hashlib
import io
import json
import sys
import tarfile
from pathlib import Path

OCI = "application/vnd.oci.image"
name, folder, program = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
blobs = folder / "blobs" / "sha256"
blobs.mkdir(parents=True)


def blob(data: bytes, media_type: str) -> dict[str, str | int]:
    digest = hashlib.sha256(data).hexdigest()
    (blobs / digest).write_bytes(data)
    return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}


packed = io.BytesIO()
with tarfile.open(fileobj=packed, mode="w") as archive:
    archive.add(program, arcname=program.name)
layer = blob(packed.getvalue(), f"{OCI}.layer.v1.tar")
config = {
    "architecture": "amd64",
    "os": "linux",
    "config": {"Entrypoint": [f"/{program.name}"]},
    "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
}
manifest = {
    "schemaVersion": 2,
    "config": blob(json.dumps(config).encode(), f"{OCI}.config.v1+json"),
    "layers": [layer],
}
entry = blob(json.dumps(manifest).encode(), f"{OCI}.manifest.v1+json")
index = {"schemaVersion": 2, "manifests": [entry | {"annotations": {"io.containerd.image.name": name}}]}
(folder / "index.json").write_text(json.dumps(index))
(folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
