"""`berth prepare` on corpora that cannot be made; formats of text have tests of their own, in `test_sources.py`."""

import gzip

from tests.bad_inputs.case import Case

_BEGUN = ("towns", "towns/corpus", "towns/corpus/begun.json")
"""The same folder is gone on with when the mistake is mended."""
_VOCABULARY_MADE = ("towns", "towns/corpus", "towns/vocab", "towns/vocab/vocab.json", "towns/vocab/vocab.txt")
_SETTING = "write a setting a line, such as `storage: runs`"
_VOCABULARY = "give a vocab.txt of BERT, one piece a line"
_TOKENIZER = f"{_VOCABULARY}, or the tokenizer.json of a BERT tokenizer"
_SPECIAL = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n"


def _text(wrong: str, says: str, content: str | bytes, name: str = "bad.txt") -> Case:
    return Case(wrong, f"prepare corpus.yaml corpus.sources.0.path={name}", says, {name: content}, leaves=_BEGUN)


def _vocabulary(wrong: str, says: str, content: str | bytes, name: str = "bad-vocab.txt") -> Case:
    return Case(wrong, f"prepare corpus.yaml vocab.path={name}", says, {name: content}, leaves=_BEGUN)


def _set(wrong: str, override: str, says: str, *leaves: str) -> Case:
    return Case(wrong, f"prepare corpus.yaml {override}", says, leaves=leaves)


CASES = (
    Case("no such file", "prepare gone.yaml", "gone.yaml: no such file; give a YAML file with storage, corpus and vocab"),
    Case("a folder", "prepare model", "model: cannot be read: is a directory; give a YAML file"),
    Case("an empty file", "prepare corpus.yaml", f"corpus.yaml: holds nothing; {_SETTING}", {"corpus.yaml": ""}),
    Case("a run", "prepare run.yaml", "storage: not set; set it"),
    Case("no corpus", "prepare corpus.yaml", "corpus: not set; set it", {"corpus.yaml": "storage: towns\n"}),
    _set("a setting misspelt", "vocab.sise=3", "vocab.sise: no such setting; did you mean size?"),
    _set("no sources", "corpus.sources=[]", "corpus.sources: a list is not allowed; give a list of at least 1"),
    _set("a part that is none", "--part 8/8", "--part: '8/8' is no part; count from 0: 0/8, 1/8, up to 7/8"),
    _set("a part of none", "--part 1", "--part: '1' is no part; count from 0: 0/8, 1/8, up to 7/8"),
    _set("a part before part 0", "--part 1/2 --wait-minutes 0", "towns/vocab: part 0 has not finished the vocabulary after 0 minutes; look after part 0, or raise --wait-minutes", *_BEGUN),
    _set("a folder below a file", "storage=text.txt/x", "text.txt/x/corpus/begun.json: cannot be written: not a directory; mend the storage or choose another place"),
    _set("text that is not there", "corpus.sources.0.path=gone.txt", "gone.txt: there is no such file or folder, or it is empty; check the path in corpus.sources", *_BEGUN),
    _set("a glob without its quotes", "'corpus.sources.0.path=*.md'", "corpus.sources.0.path=*.md: its value is not YAML; quote it: 'corpus.sources.0.path=\"...\"'"),
    _set("a glob that finds nothing", "'corpus.sources.0.path=\"*.md\"'", "*.md: there is no such file or folder, or it is empty; check the path in corpus.sources", *_BEGUN),
    _set("a bucket without its name", "corpus.sources.0.path=s3://", "s3://: names no bucket; write it as s3://bucket/folder", *_BEGUN),
    _set("a server that is away", "corpus.sources.0.path=http://127.0.0.1:9/text.txt", "http://127.0.0.1:9/text.txt: cannot be read: Cannot connect to host 127.0.0.1:9 ssl:default [Connect call failed ('127.0.0.1', 9)]; check the network and the address", *_BEGUN),
    _set("cleaning that leaves nothing", "corpus.cleaning.min_characters=99999", "corpus: no word of the text is left to make a vocabulary of; check corpus.sources, and what corpus.cleaning leaves out", *_BEGUN),
    _set("all text held out", "corpus.held_out=0.9999", "corpus.held_out: 0.9999 keeps every document from training; set it to 0, or add text", *_VOCABULARY_MADE),
    _set("a language by its name", "corpus.cleaning.languages=[english]", "corpus.cleaning.languages: 'english' is no language that can be told; give ISO 639-1 codes: af am an ..."),
    _text("no text", "bad.txt: there is no text in it, read as text; check the source's path, its format and what goes with it", "\n\n"),
    _text("bytes", "corpus: no word of the text is left to make a vocabulary of; check corpus.sources, and what corpus.cleaning leaves out", bytes(range(1, 8)) * 99),
    _set("cleaning that leaves nothing, of a given vocabulary", "corpus.cleaning.min_characters=99999 vocab.path=vocab.txt", "towns/corpus: no document of the text is left; check corpus.sources, and what corpus.cleaning leaves out", *_VOCABULARY_MADE),
    _text("Latin-1", "bad.txt: line 1 is not UTF-8: byte 0xfc in column 3; convert the file to UTF-8, for example with iconv", "Grüße aus Köln.\n".encode("latin-1")),
    _text("no gzip", "bad.gz: damaged or cut short (Not a gzipped file (b'no')); copy the file again", b"nope", "bad.gz"),
    _text("gzip that is cut short", "bad.txt.gz: damaged or cut short (Compressed file ended before the end-of-stream marker was reached); copy the file again", gzip.compress(b"A town. " * 999, mtime=0)[:-9], "bad.txt.gz"),
    _set("a vocabulary that is not there", "vocab.path=gone.txt", "gone.txt: no such file or folder; check the spelling", *_BEGUN),
    _set("text for a vocabulary", "vocab.path=text.txt", f"text.txt: line 2 is blank; {_VOCABULARY}", *_BEGUN),
    _vocabulary("an empty vocabulary", f"bad-vocab.txt: the vocabulary is empty; {_VOCABULARY}", ""),
    _vocabulary("a vocabulary without [MASK]", f"bad-vocab.txt: the vocabulary has no [MASK]; {_VOCABULARY}", f"{_SPECIAL}a\n"),
    _vocabulary("a piece twice", f"bad-vocab.txt: lines 6 and 7 are both 'a'; {_VOCABULARY}", f"{_SPECIAL}[MASK]\na\na\n"),
    _vocabulary("a vocabulary in UTF-16", "bad-vocab.txt: not UTF-8 at byte 0; convert the file to UTF-8", f"{_SPECIAL}[MASK]\na\n".encode("utf-16")),
    _vocabulary("JSON that is no tokenizer", f"tokenizer.json: is no tokenizer, not BERT's WordPiece with ##; {_TOKENIZER}", "{}", "tokenizer.json"),
    _vocabulary("a list for a tokenizer", f"tokenizer.json: not a JSON object; {_TOKENIZER}", "[]", "tokenizer.json"),
    _vocabulary("another tokenizer", f"tokenizer.json: is a BPE tokenizer, not BERT's WordPiece with ##; {_TOKENIZER}", '{"model": {"type": "BPE"}}', "tokenizer.json"),
    _vocabulary("a tokenizer that is no JSON", f"tokenizer.json: not JSON (Expecting value: line 1 column 1 (char 0)); {_TOKENIZER}", "nope", "tokenizer.json"),
)  # fmt: skip
