"""The form of a notebook: card, exercises, questions and links, and what no reader should see."""

import re

import pytest

from tests.notebooks.test_notebooks import code_cells, links, prose, read, tagged
from tools.site import build, minutes

SLUGS = list(build.sources())
KINDS = {"predict", "build", "diagnose", "design", "make a picture"}
TIME = re.compile(r"about (\d+) minutes to read.*?(\d+) minutes for the exercises")


@pytest.fixture(params=SLUGS)
def notebook(request):
    return read(request.param)


def texts_of_outputs(notebook) -> list[str]:
    """Return what a reader sees as text under the cells."""
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    return [
        output.get("text", "") + output.get("data", {}).get("text/plain", "") for output in outputs
    ]


def after(heading: str, text: str) -> str:
    """Return the section of a heading, up to the next one."""
    return text.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]


def test_the_card_asks_a_question_and_says_what_comes_of_it(notebook):
    card = notebook.cells[0].source
    for label in ("The question", "You will make", "You need", "Time"):
        assert f"> **{label}** " in card, label
    assert "?" in card.split("**The question**")[1].split("**You will make**")[0]


def test_the_minutes_of_the_card_are_those_of_the_estimate(notebook):
    reading, exercises = (int(number) for number in TIME.search(notebook.cells[0].source).groups())
    estimate = minutes.of_notebook(notebook)
    assert abs(reading - estimate.reading) <= 5
    assert exercises == estimate.exercises


def test_exercises_are_of_several_kinds(notebook):
    exercises = minutes.EXERCISE.findall(prose(notebook))
    assert [int(number) for number, *_ in exercises] == list(range(1, len(exercises) + 1))
    kinds = [kind for _, kind, _, _ in exercises]
    assert 3 <= len(kinds) <= 5
    assert set(kinds) <= KINDS and len(set(kinds)) >= 3, kinds
    assert kinds.count("build") <= 2
    assert len(tagged(notebook, "exercise")) >= 2


def test_hints_come_in_steps(notebook):
    """A nudge for every exercise that is checked, and a second one for most."""
    text = prose(notebook)
    exercises = len(tagged(notebook, "exercise"))
    assert text.count("<summary>Hint 1</summary>") >= exercises
    assert text.count("<summary>Hint 2</summary>") >= exercises - 1


def test_it_ends_with_a_summary_and_three_questions(notebook):
    text = prose(notebook)
    assert len(re.findall(r"^- ", after("What to remember", text), re.M)) >= 3
    assert after("Three questions", text).count("</details>") == 3


def test_a_prediction_has_a_folded_answer(notebook):
    for place in prose(notebook).split(minutes.PREDICTION)[1:]:
        assert "<details><summary>Compare</summary>" in place


def test_folded_text_is_set_as_markdown(notebook):
    """An empty line after the summary, and one before the end, or Jupyter shows it raw."""
    text = prose(notebook)
    assert text.count("<details>") == text.count("</details>")
    assert len(re.findall(r"</summary>\n\n", text)) == text.count("</summary>")
    assert len(re.findall(r"\n\n</details>", text)) == text.count("</details>")


def test_no_output_is_true_or_false(notebook):
    """A number tells more; and a check's answer is its sentence."""
    for text in texts_of_outputs(notebook):
        assert not re.search(r"\b(True|False)\b", text), text


def test_papers_are_links(notebook):
    text = re.sub(r"\]\([^)]*\)", "](link)", prose(notebook))
    assert not re.search(r"arxiv\W{0,2}\d{4}\.", text, re.I), "an arXiv number that is no link"
    assert sum(address.startswith("http") for *_, address in links(notebook)) >= 3


def test_pictures_are_outputs_and_not_files(notebook):
    """A linked picture is missing on Colab and in a lone copy of the notebook."""
    for mark, _, address in links(notebook):
        assert not mark or address.startswith("https://colab.research.google.com"), address
    assert tagged(notebook, "hero")


def test_no_trial_is_claimed_that_nobody_can_see(notebook):
    assert not re.search(r"\bin our (trials|experience|tests)\b", prose(notebook), re.I)


def test_minutes_are_estimated_from_what_there_is_to_read(notebook):
    shorter = notebook.copy()
    shorter.cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert minutes.of_notebook(shorter).reading < minutes.of_notebook(notebook).reading
    assert minutes.of_notebook(shorter).exercises == 0


def test_the_minutes_can_be_asked_for(capsys):
    assert minutes.main(["00_start_here"]) == 0
    sentence = r"00_start_here: \d+ to read, \d+ for the exercises\n"
    assert re.fullmatch(sentence, capsys.readouterr().out)


def broken_formulas(text: str) -> list[str]:
    """Return lines that continue a formula and begin with what Markdown takes for a list."""
    broken = []
    is_open = False
    for line in re.sub(r"`[^`\n]*`", "", text).replace("$$", "").splitlines():
        if is_open and re.match(r"\s*([-+*#>=]|\d+\.) ", line):
            broken.append(line)
        is_open = is_open != (line.count("$") % 2 == 1)
        is_open = is_open and bool(line.strip())
    return broken


def test_no_formula_is_broken_where_a_list_could_begin(notebook):
    assert broken_formulas(prose(notebook)) == []


def test_a_broken_formula_would_be_noticed():
    assert broken_formulas("the error $G\n- A$ is") == ["- A$ is"]
    assert broken_formulas("the error $G -\nA$ is\n- an item\n- another for `$5`") == []
