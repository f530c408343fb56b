import gzip
import re
from pathlib import Path

import pytest

from tests.data.sources.reading import texts

BOOK = "EMMA\n\nBy Jane Austen\n\nCHAPTER I\n\nEmma Woodhouse, handsome, clever, and rich.\n\nFINIS"
LICENCE = "This eBook is for the use of anyone anywhere at no cost and with almost no restrictions whatsoever."


def text_of(tmp_path: Path, *parts: str) -> str:
    (tmp_path / "book.txt").write_bytes(b"\xef\xbb\xbf" + "\n\n".join(parts).replace("\n", "\r\n").encode())
    (text,) = texts(tmp_path / "book.txt", "books")
    return text


@pytest.mark.parametrize(
    "start",
    [
        "*** START OF THIS PROJECT GUTENBERG EBOOK EMMA ***",
        "*** START OF THE PROJECT GUTENBERG EBOOK EMMA, A NOVEL IN THREE VOLUMES, BY\nTHE AUTHOR OF PRIDE ***",
        "***START OF THE PROJECT GUTENBERG EBOOK EMMA***",
        "*** START OF THE PROJECT GUTENBERG EBOOK EMMA",
        "*END*THE SMALL PRINT! FOR PUBLIC DOMAIN ETEXTS*Ver.04.29.93*END*",
        "***START**THE SMALL PRINT!**FOR PUBLIC DOMAIN ETEXTS**START***\n\nWhy is this here?\n\n"
        "*END THE SMALL PRINT! FOR PUBLIC DOMAIN ETEXTS*Ver.07.02.92*END*",
    ],
)
@pytest.mark.parametrize(
    "end",
    [
        "*** END OF THIS PROJECT GUTENBERG EBOOK EMMA ***",
        "***END OF THE PROJECT GUTENBERG EBOOK EMMA***",
        "End of the Project Gutenberg EBook of Emma, by\nJane\n\n*** END OF THIS PROJECT GUTENBERG EBOOK EMMA ***",
        "End of Project Gutenberg's Etext of Emma, by Jane Austen",
        "*** END OF THE PROJECT GUTENBERG EBOOK, EMMA ***",
    ],
)
def test_only_what_stands_between_the_marks_is_the_book(tmp_path: Path, start: str, end: str) -> None:
    head = f"The Project Gutenberg EBook of Emma, by Jane Austen\n\n{LICENCE}"
    assert text_of(tmp_path, head, start, "Produced by An Anonymous Volunteer", BOOK, end, LICENCE) == BOOK


def test_small_print_behind_the_book_is_left_out(tmp_path: Path) -> None:
    small_print = "***START**THE SMALL PRINT!**FOR PUBLIC DOMAIN ETEXTS**START***"
    assert text_of(tmp_path, BOOK, small_print, LICENCE, "*END*THE SMALL PRINT!") == BOOK


def test_a_file_without_marks_is_a_book_as_it_is(tmp_path: Path) -> None:
    assert text_of(tmp_path, BOOK) == BOOK
    assert text_of(tmp_path, "The end of the project.", "* * *", BOOK).endswith(BOOK)


def test_notes_of_transcribers_are_left_out_where_the_book_begins(tmp_path: Path) -> None:
    note = "Transcribers Note: Obvious errors\nare corrected.\n\nWords in _underscores_ were in italics.\n\n-----------"
    start = "*** START OF THIS PROJECT GUTENBERG EBOOK EMMA ***"
    assert text_of(tmp_path, start, note, BOOK).strip() == BOOK
    assert text_of(tmp_path, start, "[Transcriber's Note: one line.]", BOOK).strip() == BOOK
    pages = "\n\n".join([BOOK] * 40)
    assert text_of(tmp_path, start, pages, note) == f"{pages}\n\n{note}"


def test_a_book_is_one_document_however_many_chapters_it_has(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(BOOK)
    (tmp_path / "c.txt.gz").write_bytes(gzip.compress(BOOK.encode()))
    assert texts(tmp_path, "books") == [BOOK] * 3


ENDS = {
    "1342-0_Pride-and-Prejudice": ("PRIDE AND PREJUDICE", "had been the means of uniting them."),
    "1400-0_Great-Expectations": ("GREAT EXPECTATIONS", "no shadow of another parting from her."),
    "145_Middlemarch": ("Middlemarch", "and rest in unvisited tombs."),
    "158-0_Emma": ("EMMA", "FINIS"),
    "16215_Jack-Sheppard": ("English Library", "THE END."),
    "1661_Sherlock-Holmes": ("THE ADVENTURES OF SHERLOCK HOLMES", "she has met with considerable success."),
    "2600-0_War-and-Peace": ("WAR AND PEACE", "a dependence of which we are not conscious."),
    "2701-0_Moby-Dick": ("MOBY-DICK;", "only found another orphan."),
    "3261_News-from-Nowhere": ("NEWS FROM NOWHERE", "{3}  Cirencester and Burford he must have meant."),
    "766-0_David-Copperfield": ("DAVID COPPERFIELD", "still find thee near me, pointing upward!"),
    "972_Devils-Dictionary": ("THE DEVIL'S DICTIONARY", "that the domestic cow sheds its horn every two years."),
    "98-0_A-Tale-of-Two-Cities": ("A TALE OF TWO CITIES", "than I have ever known.”"),
}
LICENCE_WORDS = re.compile(
    r"project gutenberg(?!’s archives)|\*\*\* ?(?:start|end)|www\.gutenberg|pglaf|small print"
    r"|distributed proofread|this (?:ebook|etext) (?:is|was)\b|public domain etexts",
    re.IGNORECASE,
)


@pytest.mark.parametrize("name", ENDS)
def test_real_books_begin_and_end_with_their_own_words(shared_data: Path, name: str) -> None:
    file = shared_data / "books" / f"{name}.txt.gz"
    (text,) = texts(file, "books")
    begins, ends = ENDS[name]
    assert text.startswith(begins)
    assert text.replace("\n", " ").endswith(ends)
    assert not LICENCE_WORDS.findall(text)
    assert 0 < len(gzip.decompress(file.read_bytes()).decode("utf-8-sig").replace("\r", "")) - len(text) < 20_000
