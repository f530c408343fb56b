"""A network and mounts of the command's own. They end with its process, and all pods with them.

Neither needs root: who may make a user namespace is root in it.
"""

import os
import platform
import shutil
import subprocess
import sys

from trainer.errors import InputError

_INSIDE = "BERTH_IN_NAMESPACES"
_PROGRAMS = {
    "hostname": "hostname",
    "ip": "iproute2",
    "unshare": "util-linux",
    "setpriv": "util-linux",
    "mount": "mount",
    "bash": "bash",
}
"""And the packages that have them."""
_OWN = ("--net", "--mount")
_OF_A_POD = "unshare --net --mount --uts --ipc --pid --fork --mount-proc true"
_NEEDED = f"mount -t tmpfs tmpfs /mnt && ip link add pods type bridge && {_OF_A_POD}"
_REMEDY = (
    "be root, or let users make them: `sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0` on Ubuntu, "
    "`--privileged` in a container; or leave out --pods"
)


def enter() -> None:
    """Start this command again in namespaces of its own, once: the process is the same, and so is its number.

    Raises:
        InputError: this machine lacks a program, or does not allow it.
    """
    if os.environ.pop(_INSIDE, None):
        return
    if sys.platform != "linux":
        raise InputError("--pods", f"needs Linux, and this is {platform.system()}", "leave it out")
    if lacking := [program for program in _PROGRAMS if shutil.which(program) is None]:
        packages = sorted({_PROGRAMS[program] for program in lacking})
        raise InputError("--pods", f"needs {', '.join(lacking)}", f"`sudo apt-get install {' '.join(packages)}`")
    options = _allowed()
    os.environ[_INSIDE] = "1"
    os.execvp("unshare", ["unshare", *options, sys.executable, *sys.orig_argv[1:]])


def _allowed() -> tuple[str, ...]:
    """Options of unshare that this machine does not refuse, root's first."""
    as_root_of_its_own = ("--user", "--map-root-user", *_OWN)
    refusal = ""
    for options in (_OWN, as_root_of_its_own) if os.geteuid() == 0 else (as_root_of_its_own,):
        command = ["unshare", *options, "bash", "-c", _NEEDED]
        tried = subprocess.run(command, capture_output=True, text=True, check=False)
        if tried.returncode == 0:
            return options
        refusal = refusal or " ".join(tried.stderr.split())
    raise InputError("--pods", f"this machine allows no namespaces: {refusal}", _REMEDY)
