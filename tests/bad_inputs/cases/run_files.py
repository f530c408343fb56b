"""`berth run` on files that are no run."""

from pathlib import Path

from tests.bad_inputs.case import Case
from tests.bad_inputs.valid import RUN

_LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


def _run(wrong: str, says: str, content: str | bytes) -> Case:
    return Case(wrong, "run run.yaml", says, {"run.yaml": content})


CASES = (
    Case("no such file", "run gone.yaml", "gone.yaml: no such file or recipe; give a YAML file or one of bert-base-..."),
    Case("a recipe misspelt", "run quikstart", "quikstart: no such file or recipe; did you mean quickstart?"),
    Case("no name", "run ''", "'': no such file or recipe; give a YAML file or one of bert-base-original, ..."),
    Case("a folder", "run model", "model: cannot be read: is a directory; give a YAML file"),
    Case(
        "a link to nowhere",
        "run link.yaml",
        "link.yaml: no such file or recipe; give a YAML file or one of bert-base-original, ...",
        make=lambda: Path("link.yaml").symlink_to("gone.yaml"),
    ),
    _run("an empty file", "run.yaml: holds nothing; write a setting a line, such as `storage: runs`", ""),
    _run("only a comment", "run.yaml: holds nothing; write a setting a line, such as `storage: runs`", "# later\n"),
    _run("a list", "run.yaml: not a section of settings; write a setting a line, such as `storage: runs`", "- a\n"),
    _run("a sentence", "run.yaml: not a section of settings; write a setting a line, such as `storage: runs`", "a run"),
    _run(
        "a tab",
        r"run.yaml, line 2, column 1: not YAML: found character '\t' that cannot start any token; "
        "indent with spaces, not with tabs",
        "name: mine\n\tseed: 3\n",
    ),
    _run(
        "a key twice",
        "run.yaml, line 2, column 1: not YAML: 'name' stands twice in one section; mend the file",
        "name: other\n" + RUN,
    ),
    _run(
        "an open bracket",
        "run.yaml, line 2, column 1: not YAML: expected ',' or ']', but got '<stream end>'; mend the file",
        "name: [mine\n",
    ),
    _run(
        "a colon too many",
        "run.yaml, line 1, column 11: not YAML: mapping values are not allowed here; mend the file",
        "name: mine: 3\n",
    ),
    _run(
        "an open quote",
        "run.yaml, line 2, column 1: not YAML: found unexpected end of stream; mend the file",
        'name: "mine\n',
    ),
    _run(
        "two documents",
        "run.yaml, line 2, column 1: not YAML: found another document; mend the file",
        "name: mine\n---\nname: other\n",
    ),
    _run("an alias of nothing", "run.yaml, line 1, column 7: not YAML: found undefined alias 'x'; mend the file", "name: *x"),
    _run("a list as a key", "run.yaml, line 1, column 1: not YAML: found unhashable key; mend the file", "[a, b]: 2\n"),
    _run("a number as a key", "1: no such setting; remove it; the names of settings are text", "1: 2\n" + RUN),
    _run("a date that is none", "run.yaml: not YAML: day is out of range for month; mend the value, or put it in quotes", "name: 2026-02-30"),
    _run("a date", "name: 2026-02-28 is not allowed; give text", RUN.replace("mine", "2026-02-28")),
    _run(
        "code",
        "run.yaml, line 1, column 7: not YAML: could not determine a constructor for the tag "
        "'tag:yaml.org,2002:python/object/apply:os.system'; remove the tag; nothing is executed",
        "name: !!python/object/apply:os.system ['touch executed']\n",
    ),
    _run(
        "a tag of others",
        "run.yaml, line 1, column 7: not YAML: could not determine a constructor for the tag '!secret'; "
        "remove the tag; nothing is executed",
        "name: !secret name\n",
    ),
    _run("nested too deeply", "run.yaml: not YAML: it is nested too deeply, or within itself; mend the file", "name: " + "[" * 600),
    _run("lists that multiply", "run.yaml, line 6, column 4: not YAML: its aliases stand for more than 200,000 values; mend the file", f"{_LAUGHS}name: *i\n"),
    _run("bytes", "run.yaml: not YAML: it holds characters that are no text; give a YAML file", b"\0\1\2PK\3\4"),
    _run("Latin-1", "run.yaml: not UTF-8 at byte 6; save it as UTF-8", "name: Köln".encode("latin-1").replace(b"K", b"")),
    _run("UTF-16", "run.yaml: not UTF-8 at byte 0; save it as UTF-8", RUN.encode("utf-16")),
    _run(
        "a byte-order mark, which does no harm, and a wrong name",
        "name: 'My run' is not allowed; give up to 40 lower-case letters, digits and hyphens",
        RUN.replace("mine", "My run").encode("utf-8-sig"),
    ),
)  # fmt: skip
