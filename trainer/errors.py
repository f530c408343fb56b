"""Every error that a person may see, and the exit code it ends the process with.

    BerthError               1   something went wrong that is not the input's fault
    ├── InputError           2   a person can mend it: `where: problem; remedy`
    │   ├── ConfigError          a setting of the run
    │   ├── DataError            text, vocabulary, corpus, SQuAD file
    │   ├── CheckpointError      a checkpoint or a model directory
    │   └── StorageError         a place that cannot be read or written
    └── Interrupted        130   Ctrl-C; what was done is saved

`cli` prints the one line and exits; a traceback is shown only for what is none of these: our own mistakes.
"""


class BerthError(Exception):
    """An error with a message for people."""

    exit_code = 1


class InputError(BerthError):
    """Names where the fault is, what is wrong there (with the value) and what to do about it."""

    exit_code = 2

    def __init__(self, where: str, problem: str, remedy: str) -> None:
        super().__init__(where, problem, remedy)
        self.where = where
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}; {self.remedy}"


class ConfigError(InputError):
    """A setting of the run is wrong."""


class DataError(InputError):
    """Text, a vocabulary, a corpus or a SQuAD file is not what it should be."""


class CheckpointError(InputError):
    """A checkpoint or a model directory is torn, foreign or of another shape."""


class StorageError(InputError):
    """A place cannot be read or written."""


class Interrupted(BerthError):
    """The user asked to stop; the same command continues."""

    exit_code = 130
