"""report.html where it is read: in Chromium, from a file, without a network."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tracking import real_answers
from tests.tracking.test_comparing import made
from tests.tracking.test_report import result, run, write
from trainer.squad import metrics
from trainer.squad.answers import Candidate, Predictions
from trainer.squad.examples import Answer, Dataset, Example
from trainer.tasks import squad_files
from trainer.tracking.comparing import write_comparison
from trainer.tracking.report import write_report

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python")
sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright")

CHROMIUM = shutil.which("chromium")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
ATTACK = "<img src=x onerror=\"document.title='broken'\"><script>document.title='broken'</script></script>"

Browser = Any
Page = Any


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("needs Chromium; Debian's package is `chromium`")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def real_report(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report on all answers of dev v1.1."""
    return report(tmp_path_factory.mktemp("real"), *real_answers.load(shared_data))


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page that fails its test if anything is reported on the console, or asked of the network."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, offline=True)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: said.append(request.url) if not request.url.startswith("file:") else None)
    yield page
    context.close()
    assert said == []


def report(folder: Path, dataset: Dataset, predictions: Predictions) -> Path:
    squad_files.write(str(folder / "squad-v1.1"), dataset, predictions)
    scores = metrics.evaluate(dataset, predictions.answers)
    named = {f"squad/{name}": value for name, value in scores.items()}
    write(folder, {"squad-v1.1/result.json": result("squad", named)})
    return Path(write_report(run(), str(folder)))


def few(*rows: tuple[str, str, str, str]) -> tuple[Dataset, Predictions]:
    """Question, context, expected answer and prediction of each; an empty answer is none."""
    examples = [
        Example(str(number), context, question, context, (Answer(gold, context.index(gold)),) if gold else ())
        for number, (question, context, gold, _) in enumerate(rows)
    ]
    answers = {str(number): row[3] for number, row in enumerate(rows)}
    n_best = {
        id: [Candidate(text=text, probability=0.75, start_logit=0.0, end_logit=0.0)] for id, text in answers.items()
    }
    odds = dict.fromkeys(answers, -1.5)
    return Dataset(any(not row[2] for row in rows), examples), Predictions(answers, n_best, odds, answers)


def opened(page: Page, path: Path) -> Page:
    page.goto(path.as_uri())
    page.wait_for_selector(".answers li")
    return page


def status(page: Page) -> str:
    return page.inner_text(".status")


def test_ten_thousand_answers_open_filter_and_turn(page: Page, real_report: Path) -> None:
    assert real_report.stat().st_size < 2_000_000
    opened(page, real_report)
    assert status(page) == "10,570 of 10,570 answers · exact match 86.21 · F1 92.20 · page 1 of 212"
    assert page.locator(".answers li").count() == 50

    page.get_by_label("Verdict").select_option(label="wrong (1,458)")
    assert status(page).startswith("1,458 of 10,570 answers · exact match 0.00 · F1 43.")
    assert page.locator(".answers li.right").count() == 0
    page.get_by_label("Question type").select_option(label="why (155)")
    page.get_by_label("Answer length").select_option(label="over 6 words (918)")
    filtered = status(page)
    page.get_by_label("Order").select_option(label="lowest F1 first")
    assert status(page) == filtered
    assert "F1 0" in page.locator(".answers li").first.inner_text()

    page.get_by_role("button", name="Show all").click()
    page.get_by_label("Search", exact=True).fill("broncos which")
    assert 0 < int(status(page).split()[0]) < 50
    page.get_by_label("Search", exact=True).fill("56be4db0acb8001400a502ec")
    assert status(page) == "1 of 10,570 answers · exact match 100.00 · F1 100.00"
    page.get_by_label("Search", exact=True).fill("no such words anywhere")
    assert status(page) == "0 of 10,570 answers"
    page.get_by_label("Search", exact=True).fill("")
    page.get_by_role("button", name="Next").click()
    assert status(page).endswith("page 2 of 212")
    assert page.evaluate("document.activeElement.className") == "status"


def test_every_answer_in_the_page_is_the_one_in_the_file(page: Page, real_report: Path) -> None:
    opened(page, real_report)
    page.get_by_label("Verdict").select_option(label="wrong (1,458)")
    saved = json.loads((real_report.parent / "squad-v1.1" / "answers.json").read_text())
    wrong = [each for each in saved["answers"] if not each["exact"]][:50]
    page.evaluate("document.querySelectorAll('.answers details').forEach((each) => { each.open = true })")
    page.wait_for_function("document.querySelectorAll('.answers .body').length === 50")
    for each, item in zip(wrong, page.locator(".answers li").all(), strict=True):
        context = saved["paragraphs"][each["paragraph"]]["context"]
        assert item.locator(".question").text_content() == each["question"]
        assert item.locator(".context").text_content() == context
        predicted = "".join(item.locator("mark.predicted").all_text_contents())
        assert predicted == (each["prediction"] if each["prediction"] in context else "")
        assert "".join(item.locator("mark.expected").all_text_contents()) in {gold["text"] for gold in each["gold"]}
        assert item.locator("tr th").all_text_contents() == [best["text"] for best in each["n_best"]]


def test_overlapping_answers_are_marked_both_at_once(page: Page, tmp_path: Path) -> None:
    context = "🎉 It was founded in 1743; that is long ago."
    opened(page, report(tmp_path, *few(("When?", context, "1743", "in 1743;"))))
    page.locator("summary .question").click()
    page.wait_for_selector(".answers .body")
    marks = page.locator(".answers mark").evaluate_all(
        "marks => marks.map((mark) => [mark.className, mark.textContent])"
    )
    assert marks == [["predicted", "in "], ["expected predicted", "1743"], ["predicted", ";"]]


def test_nothing_from_data_comes_alive(page: Page, tmp_path: Path) -> None:
    context = f"A context {ATTACK} with a text."
    opened(
        page, report(tmp_path, *few((f"Why {ATTACK}?", context, "text", ATTACK), (f"{ATTACK}", context, "with", "a")))
    )
    page.locator("summary .question").first.click()
    page.wait_for_selector(".answers .body")
    assert page.locator("img").count() == 0
    assert page.locator("script").count() == 1
    assert page.locator(".answers .context").text_content() == context
    assert page.locator(".answers mark.predicted").text_content() == ATTACK
    assert page.title() == "quickstart · Berth"


def test_questions_without_an_answer_are_told_apart(page: Page, tmp_path: Path) -> None:
    rows = [("Who?", "It is Ann.", "Ann", ""), ("What?", "It is Bob.", "", ""), ("When?", "It is Cy.", "", "Cy")]
    opened(page, report(tmp_path, *few(*rows)))
    page.get_by_label("Expected").select_option(label="no answer (2)")
    page.get_by_label("Answered").select_option(label="an answer (1)")
    assert status(page).startswith("1 of 3 answers")
    page.locator("summary .question").click()
    page.wait_for_selector(".answers .body")
    assert "Expected no answer · null odds -1.50 · It is Cy." in page.locator(".answers .body").inner_text()


def test_the_keyboard_reaches_and_opens_an_answer(page: Page, tmp_path: Path) -> None:
    opened(page, report(tmp_path, *few(("Who?", "It is Ann.", "Ann", "Ann"))))
    page.get_by_role("button", name="Show all").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector(".answers .body")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_every_control_has_a_name_and_nothing_is_wider_than_a_phone(page: Page, real_report: Path) -> None:
    page.set_viewport_size({"width": 400, "height": 800})
    opened(page, real_report)
    page.locator("summary .question").first.click()
    page.wait_for_selector(".answers .body")
    assert page.evaluate("document.documentElement.scrollWidth") == 400
    for control in page.locator(".browser :is(input, select, button)").all():
        assert control.evaluate("each => each.labels?.[0]?.textContent.trim() || each.textContent.trim()")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_axe_finds_nothing_that_keeps_people_out(
    chromium: Browser, real_report: Path, tmp_path: Path, scheme: str, width: int
) -> None:
    comparison = tmp_path / "comparison.html"
    write_comparison([made(tmp_path / "a", 2.5), made(tmp_path / "b", 2.25)], str(comparison))
    context = chromium.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
        offline=True,
        bypass_csp=True,  # axe is a script, and the page runs none but its own
    )
    for path, ready in ((real_report, ".answers li"), (comparison, "svg")):
        page = context.new_page()
        page.goto(path.as_uri())
        page.wait_for_selector(ready)
        if path == real_report:
            page.locator("summary .question").first.click()
            page.wait_for_selector(".answers .body")
        found = axe.Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth") == width
    context.close()


def test_on_paper_and_without_scripts_some_answers_stand_for_all(chromium: Browser, tmp_path: Path) -> None:
    path = report(tmp_path, *few(("Who?", "It is Ann.", "Ann", "Ann")))
    context = chromium.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto(path.as_uri())
    assert page.locator(".example").is_visible()
    assert not page.locator(".browser").is_visible()
    context.close()
    page = chromium.new_page()
    opened(page, path)
    assert not page.locator(".example").is_visible()
    page.emulate_media(media="print")
    assert page.locator(".example").is_visible()
    assert not page.locator(".browser").is_visible()
    page.close()
