"""What a pod sees instead of its image: this machine's files, with the template's volumes at their places.

The root is a tmpfs, so that /etc/berth or /storage can be there without a trace on this machine, which may not even be
writable. Everything of the machine is at /.host; the root has links to it, and a folder that something is mounted in
becomes one of the root's own, with links to what it has.
"""

import base64
import os
import secrets
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from trainer.launch.object import Object

_HOST = "/.host"

_OUTSIDE = """
set -e
trap 'exit 143' TERM
hostname {name}
until ip link show eth0 > /dev/null 2>&1; do sleep 0.02; done
ip link set lo up
ip address add {ip}/16 dev eth0
ip link set eth0 up
mkdir -p {root}
mount -t tmpfs root {root}
mkdir {root}{host}
mount --rbind / {root}{host}
shopt -s dotglob
for each in /*; do ln -s {host}"$each" {root}; done
exec chroot {root} bash -c {inside}
"""

_INSIDE = """
set -e
shopt -s dotglob nullglob
trap 'exit 143' TERM
own() {{ # makes a folder one of the root's own
  [ "$1" = / ] && return
  own "$(dirname "$1")"
  if [ -L "$1" ]; then
    rm "$1"
    mkdir "$1"
    for each in {host}"$1"/*; do ln -s "$each" "$1"; done
  else
    mkdir -p "$1"
  fi
}}
{mounts}
own /etc
ln -sf {host}{hosts} /etc/hosts
cd /tmp
trap 'kill -TERM $child' TERM
env -i {environment} {command} &
child=$!
set +e
while true; do # as tini: it forwards the signal, waits again, and takes in what others leave
  wait $child
  code=$?
  kill -0 $child 2> /dev/null || exit $code
done
"""


def script(
    pod: Object, name: str, ip: str, environment: Mapping[str, str], folder: Path, volumes: Mapping[str, Path | None]
) -> str:
    """What bash has to do, as root of the namespaces of a pod.

    Args:
        pod: the spec of its template.
        name: of the pod.
        ip: its address.
        environment: of its container.
        folder: of the job; `NAME.hosts` in it is to be the pod's /etc/hosts.
        volumes: see `volumes`.
    """
    container = pod["containers"][0]
    places = {each["mountPath"]: volumes[each["name"]] for each in container["volumeMounts"]}
    inside = _INSIDE.format(
        host=_HOST,
        mounts="\n".join(_mount(place, source) for place, source in sorted({**_hidden(places), **places}.items())),
        hosts=shlex.quote(str(folder / f"{name}.hosts")),
        environment=shlex.join(f"{key}={value}" for key, value in environment.items()),
        command=shlex.join([sys.executable, "-m", "trainer", *container["args"]]),
    )
    root = shlex.quote(str(folder / f"{name}.root"))
    return _OUTSIDE.format(name=name, ip=ip, root=root, host=_HOST, inside=shlex.quote(inside))


def volumes(pod: Object, objects: Sequence[Object], folder: Path, claimed: Path) -> dict[str, Path | None]:
    """Each volume of a template and the folder of this machine that is it; None: an empty one in memory.

    Args:
        pod: the spec of the template.
        objects: of the release.
        folder: where those of ConfigMaps and Secrets are made.
        claimed: the folder for a PersistentVolumeClaim.
    """
    found: dict[str, Path | None] = {}
    for volume in pod["volumes"]:
        if "emptyDir" in volume:
            found[volume["name"]] = None
        elif "persistentVolumeClaim" in volume:
            found[volume["name"]] = claimed
        else:
            made = folder / volume["name"]
            made.mkdir(exist_ok=True)
            for file, content in files(volume, objects).items():
                (made / file).write_bytes(content)
            found[volume["name"]] = made
    return found


def files(volume: Object, objects: Sequence[Object]) -> dict[str, bytes]:
    """What a volume of a ConfigMap or a Secret holds; a Secret that the release does not make is made up."""
    if "configMap" in volume:
        data = _data("ConfigMap", volume["configMap"]["name"], objects) or {}
        return {key: text.encode() for key, text in data.items()}
    secret = volume["secret"]
    data = _data("Secret", secret["secretName"], objects)
    return {
        item["path"]: base64.b64decode(data[item["key"]]) if data else secrets.token_hex(24).encode()
        for item in secret["items"]
    }


def _data(kind: str, name: str, objects: Sequence[Object]) -> dict[str, str] | None:
    return next((each["data"] for each in objects if (each["kind"], each["metadata"]["name"]) == (kind, name)), None)


def _hidden(places: Mapping[str, Path | None]) -> dict[str, Path]:
    """What a pod runs, such as a checkout below /tmp, where an empty volume would lie over it."""
    needed = {Path(sys.prefix), Path(sys.base_prefix), Path(__file__).parents[3]}
    empty = [Path(place) for place, source in places.items() if source is None]
    return {str(each): each for each in needed if any(each.is_relative_to(place) for place in empty)}


def _mount(place: str, source: Path | None) -> str:
    real = shlex.quote(os.path.realpath(place))  # /var/run is a link
    how = "-t tmpfs tmpfs" if source is None else f"--rbind {_HOST}{shlex.quote(str(source))}"
    return f"own {real}\nmount {how} {real}"
