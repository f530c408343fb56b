"""Every error that a person may see, and the exit code it ends the process with.

    BerthError               3   the run is given up; not the input's fault
    ├── InputError           2   a person can mend it: `where: problem; remedy`
    │   ├── ConfigError          a setting of the run
    │   ├── DataError            text, vocabulary, corpus, SQuAD file
    │   ├── CheckpointError      a checkpoint or a model directory
    │   ├── StorageError         a place that cannot be read or written
    │   │   ├── StorageMissing       there is nothing
    │   │   └── StorageUnavailable   for now: busy, silent, not reached
    │   ├── ClusterError         Kubernetes is not reached, or refuses
    │   │   └── ClusterMissing       there is no such thing in the namespace
    │   └── RunHeld              another driver is at work on the run
    ├── DeadlineExceeded   124   the run's time is up; what was done is saved
    ├── Interrupted        130   Ctrl-C, SIGTERM; what was done is saved
    └── Stalled            203   no sign of life; the same command tries again

`cli` prints the one line and exits; a traceback is shown only for what is none of these, our own mistakes, and Python
then exits with 1. To the training operator a code from 128 on says "start this pod again", a lower one "the job has
failed".
"""


class BerthError(Exception):
    """An error with a message for people."""

    exit_code = 3


def _in_a_line(text: str) -> str:
    """What is wrong may be quoted, and hold what steers a terminal or begins another line."""
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)


class InputError(BerthError):
    """Names where the fault is, what is wrong there (with the value) and what to do about it."""

    exit_code = 2

    def __init__(self, where: str, problem: str, remedy: str) -> None:
        super().__init__(where, problem, remedy)
        self.where = where
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return _in_a_line(f"{self.where}: {self.problem}; {self.remedy}")


class ConfigError(InputError):
    """A setting of the run is wrong."""


class DataError(InputError):
    """Text, a vocabulary, a corpus or a SQuAD file is not what it should be."""


class CheckpointError(InputError):
    """A checkpoint or a model directory is torn, foreign or of another shape."""


class StorageError(InputError):
    """A place cannot be read or written."""


class StorageMissing(StorageError):
    """There is no such file, folder or bucket."""


class StorageUnavailable(StorageError):
    """The storage is busy, breaks off or is not reached, which may pass: `storage.patiently` tries again."""


class ClusterError(InputError):
    """Kubernetes is not reached, refuses, or lacks something."""


class ClusterMissing(ClusterError):
    """The namespace has no such thing."""


class RunHeld(InputError):
    """A run has another driver, and a run has one."""


class DeadlineExceeded(BerthError):
    """The time that `limits.deadline_hours` gives is over."""

    exit_code = 124  # that of timeout(1)


class Stalled(BerthError):
    """Ray does not answer, or the driver itself hangs."""

    exit_code = 203


class Interrupted(BerthError):
    """The user asked to stop; the same command continues."""

    exit_code = 130
