"""Plans, runs and pages of exhibitions; painting itself is made cheap here."""

import csv
import io
import json
import re
import time

import pytest
import torch
from PIL import Image

from helpers.exhibit import Plan, engine, exhibit, jobs, page
from helpers.exhibit import plan as plans
from helpers.exhibit.__main__ import main
from helpers.exhibit.engine import forecast
from helpers.exhibit.jobs import Done
from helpers.exhibit.plan import WrongPlan
from helpers.exhibit.room import SECONDS_A_JOB
from helpers.images import load, noise, read_settings, save

WORK = {"content": "china", "style": "mosaic"}


def plan_of(folder, *works, **words):
    return Plan({"out": "results", "steps": 2, "size": 32, "work": list(works), **words}, folder)


# ---- plans ---------------------------------------------------------------------------------------


def test_lists_are_multiplied_out(tmp_path):
    work = {
        "content": ["china", "chelsea"],
        "style": ["mosaic", "woodcut", ["mosaic", "woodcut"]],
        "recipe": ["ours", "d2l"],
        "size": [32, 48],
        "seed": [0, 1],
        "control": [{}, {"colour": "luminance"}],
    }
    plan = plan_of(tmp_path, work)
    assert len(plan.jobs) == 2 * 3 * 2 * 2 * 2 * 2
    assert {job.styles for job in plan.jobs} == {("mosaic",), ("woodcut",), ("mosaic", "woodcut")}


def test_words_of_the_plan_hold_for_every_work_unless_it_has_its_own(tmp_path):
    plan = plan_of(tmp_path, WORK, {**WORK, "size": 64}, precision="float32")
    assert [job.size for job in plan.jobs] == [32, 64]
    assert {job.precision for job in plan.jobs} == {"float32"}


def test_changes_of_the_plan_and_of_a_work_are_joined(tmp_path):
    work = {**WORK, "changes": {"tv": 1.0}}
    (job,) = plan_of(tmp_path, work, changes={"tv": 2.0, "pool": "avg"}).jobs
    assert job.changes == {"tv": 1.0, "pool": "avg"}


def test_what_is_there_twice_is_painted_once(tmp_path):
    assert len(plan_of(tmp_path, WORK, WORK).jobs) == 1


def name_of(folder, **changes):
    (job,) = plan_of(folder, {**WORK, **changes}).jobs
    return job.name


def test_a_name_is_that_of_what_makes_the_painting(tmp_path):
    """The same job has the same name, title and label or not; another job another."""
    same = {name_of(tmp_path), name_of(tmp_path, title="A town"), name_of(tmp_path, label="By me")}
    assert len(same) == 1
    others = [
        {"style": "woodcut"},
        {"content": "chelsea"},
        {"recipe": "d2l"},
        {"changes": {"tv": 1.0}},
        {"size": 33},
        {"steps": 3},
        {"seed": 1},
        {"control": {"colour": "matched"}},
        {"precision": "float32"},
        {"network": "vgg19-normalised"},
        {"style": [["mosaic", "woodcut"]]},
    ]
    assert len(same | {name_of(tmp_path, **other) for other in others}) == 1 + len(others)


def test_a_picture_that_changed_is_another_job(tmp_path):
    save(load("china", 48), tmp_path / "mine.png")
    before = name_of(tmp_path, content="mine.png")
    save(load("chelsea", 48), tmp_path / "mine.png")
    assert name_of(tmp_path, content="mine.png") != before
    assert before.startswith("mine_mosaic_ours_")


def test_a_plan_is_read_beside_its_pictures(tmp_path):
    save(load("china", 48), tmp_path / "mine.png")
    text = 'title = "Mine"\nout = "there"\n[[work]]\ncontent = "mine.png"\nstyle = "mosaic"\n'
    (tmp_path / "plan.toml").write_text(text)
    plan = Plan.read(tmp_path / "plan.toml")
    assert plan.title == "Mine"
    assert plan.out == tmp_path / "there"
    assert plan.path_of("mine.png") == tmp_path / "mine.png"


MISTAKES = {
    "an unknown picture": ({"content": "mona_lisa"}, "there is no picture 'mona_lisa'"),
    "a picture by a number": ({"style": 3}, "a picture must be a name or a path, not 3"),
    "text for a picture": ({"content": "text.png"}, "text.png is not a picture"),
    "a tiny picture": ({"content": "tiny.png"}, "has a side of 8 px; 16 are needed"),
    "an unknown recipe": ({"recipe": "gatis"}, "no recipe 'gatis'; known: ours"),
    "a recipe without style": ({"changes": {"style": {}, "content": {}}}, "needs a layer"),
    "an unknown field": ({"changes": {"step": 3}}, "a recipe has no 'step'"),
    "changes in a word": ({"changes": "tv"}, "changes must be a table"),
    "a size of 8": ({"size": [32, 8]}, "size must be a whole number from 16 on, not 8"),
    "a size in words": ({"size": "big"}, "size must be a whole number .* not 'big'"),
    "a size of miles": ({"size": 20_000}, "more than 90 megapixels"),
    "no steps": ({"steps": 0}, "steps must be a whole number from 1 on, not 0"),
    "a negative seed": ({"seed": -1}, "seed must be a whole number from 0 on, not -1"),
    "an unknown word": ({"colour": "luminance"}, "unknown word 'colour'; known: content, style"),
    "an unknown network": ({"network": "resnet"}, "no network 'resnet'; known: vgg19"),
    "an unknown precision": ({"precision": "half"}, "no precision 'half'; known: fast"),
    "an unknown colour": ({"control": {"colour": "blue"}}, "no colour 'blue'; known: style"),
    "masks too many": (
        {"control": {"masks": ["china", "not china"]}},
        "masks must be a list, one for each of 1",
    ),
    "a mask that is not there": ({"control": {"masks": ["sky.png"]}}, "no picture 'sky.png'"),
    "shares of two": ({"control": {"shares": [2]}}, "shares must be numbers from 0 to 1"),
    "a face without weight": ({"control": {"protected": "face"}}, 'must be .*"mask", weight'),
    "a control in a word": ({"control": "luminance"}, "control must be a table"),
    "a weight below zero": ({"control": {"protected": ["china", -1]}}, 'must be .*"mask", weight'),
    "a mask of another shape": (
        {"control": {"masks": ["tubingen_neckarfront_sky"]}},
        "mask tubingen_neckarfront_sky has another shape, .* than china",
    ),
    "a mask by a number": ({"control": {"masks": [3]}}, "a picture must be a name or a path"),
    "a list in a list": ({"content": [["china"]]}, "a picture must be a name or a path, not .'ch"),
    "a table for a style": ({"style": {"name": "mosaic"}}, "a picture must be a name or a path"),
    "a network in a list": ({"network": ["vgg19"]}, "no network .'vgg19'.; known"),
    "no style": ({"style": []}, "style is an empty list"),
    "a pair of no styles": ({"style": [[]]}, "style is an empty list"),
    "no recipe": ({"recipe": []}, "recipe is an empty list"),
    "a title by a number": ({"title": 3}, "title must be text, not 3"),
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "text.png").write_text("no picture")
    Image.new("RGB", (8, 8)).save(tmp_path / "tiny.png")
    return tmp_path


@pytest.mark.parametrize("what", MISTAKES)
def test_a_mistake_is_said(what, folder):
    changes, words = MISTAKES[what]
    with pytest.raises(WrongPlan, match=f"1 mistake, nothing was painted:\n- work 1.*{words}"):
        plan_of(folder, {**WORK, **changes})


def test_all_mistakes_are_said_at_once(folder):
    works = [{**WORK, **changes} for changes, _ in MISTAKES.values()]
    with pytest.raises(WrongPlan) as caught:
        plan_of(folder, *works)
    for _, words in MISTAKES.values():
        assert caught.match(words)


EMPTY = {
    "no work": ({}, "there is no work"),
    "works in a word": ({"work": "china"}, "work must be tables"),
    "a work without style": ({"work": [{"content": "china"}]}, "work 1 has no style"),
    "a word that plans do not have": (
        {"work": [WORK], "worker": 3},
        "the plan has an unknown word",
    ),
}


@pytest.mark.parametrize("what", EMPTY)
def test_a_plan_without_works(what, tmp_path):
    table, words = EMPTY[what]
    with pytest.raises(WrongPlan, match=words):
        Plan(table, tmp_path)


def test_a_plan_that_cannot_be_read(tmp_path):
    with pytest.raises(WrongPlan, match="lost.toml cannot be read: No such file"):
        Plan.read(tmp_path / "lost.toml")
    (tmp_path / "bad.toml").write_text("title = ")
    with pytest.raises(WrongPlan, match="bad.toml is no TOML"):
        Plan.read(tmp_path / "bad.toml")


# ---- runs ----------------------------------------------------------------------------------------


class Painters:
    """Stand in for the workers: paint grey pictures at once, and do as they are told."""

    def __init__(self, monkeypatch, stop_after=None, failing=(), killing=(), beside=None):
        self.calls = []
        self.alone = []
        self.beside = beside
        self.stop_after = stop_after
        self.failing = failing
        self.killing = list(killing)
        monkeypatch.setattr(engine, "_by_cores", self.paint)
        monkeypatch.setattr(engine, "EVERY", 60)

    def paint(self, plan, left, workers, threads):
        for job in left:
            if workers == 1:
                self.alone.append(job.name)
            if self.stop_after is not None and len(self.calls) >= self.stop_after:
                raise KeyboardInterrupt
            if job.name in self.killing:
                self.killing.remove(job.name)
                beside = [self.beside] if self.beside and workers > 1 else []
                for name in [job.name, *beside]:
                    jobs._note(plan.out / jobs.PROGRESS / name, 0.5)
                raise engine._WorkerKilled
            self.calls.append(job.name)
            if job.name in self.failing:
                yield Done(job.name, "a bad picture", 0.1)
                continue
            save(noise(torch.zeros(1, 3, 20, 30)), plan.out / f"{job.name}.png", {"job": job.name})
            yield Done(job.name, "", 0.1)


@pytest.fixture
def plan(tmp_path):
    return plan_of(tmp_path, {**WORK, "seed": [0, 1, 2, 3, 4, 5]})


def test_a_second_call_does_only_what_is_missing(plan, monkeypatch, capsys):
    painters = Painters(monkeypatch)
    first = exhibit(plan)
    assert len(first.painted) == 6
    (plan.out / f"{plan.jobs[2].name}.png").unlink()
    second = exhibit(plan)
    assert second.painted == [plan.jobs[2].name]
    assert len(second.found) == 5
    assert len(painters.calls) == 7
    exhibit(plan)
    assert len(painters.calls) == 7
    assert "All 6 paintings are in" in capsys.readouterr().out


def test_ctrl_c_keeps_what_is_finished(plan, monkeypatch, capsys):
    Painters(monkeypatch, stop_after=2)
    report = exhibit(plan)
    assert report.was_stopped
    assert len(report.painted) == 2
    assert "Stopped: what is finished is kept. 2 painted" in capsys.readouterr().out
    painters = Painters(monkeypatch)
    assert len(exhibit(plan).painted) == len(painters.calls) == 4


def test_a_failure_becomes_a_line_and_stops_nobody(plan, monkeypatch, capsys):
    bad = plan.jobs[1].name
    Painters(monkeypatch, failing=[bad])
    report = exhibit(plan)
    assert len(report.painted) == 5
    assert report.failures == {bad: "a bad picture"}
    stored = json.loads((plan.out / "report.json").read_text())
    assert stored["failures"] == {bad: "a bad picture"}
    assert f"{bad}: a bad picture" in capsys.readouterr().out
    assert [job.name for job in plan.missing()] == [bad]


def test_a_killed_worker_is_replaced_and_nothing_is_painted_twice(plan, monkeypatch):
    painters = Painters(monkeypatch, killing=[plan.jobs[3].name])
    report = exhibit(plan)
    assert sorted(report.painted) == sorted(job.name for job in plan.jobs)
    assert len(painters.calls) == 6
    assert not (plan.out / jobs.PROGRESS).exists()


def test_a_neighbour_of_a_deadly_job_is_painted(plan, monkeypatch):
    """All that were being painted are suspected, and tried alone."""
    deadly, neighbour = plan.jobs[0].name, plan.jobs[3].name
    painters = Painters(monkeypatch, killing=[deadly] * 9, beside=neighbour)
    report = exhibit(plan, workers=2)
    assert report.failures == {deadly: engine.GIVEN_UP}
    assert neighbour in report.painted
    assert painters.alone == [deadly, neighbour]


def test_workers_that_cannot_begin_are_no_endless_loop(plan, monkeypatch):
    def die(*_):
        raise engine._WorkerKilled
        yield

    monkeypatch.setattr(engine, "_by_cores", die)
    assert set(exhibit(plan).failures.values()) == {engine.NO_WORKERS}


def test_a_file_that_is_nowhere_is_no_painting(plan, monkeypatch):
    def pretend(plan, left, workers, threads):
        yield from (Done(job.name, "", 0.1) for job in left)

    monkeypatch.setattr(engine, "_by_cores", pretend)
    assert set(exhibit(plan).failures.values()) == {engine.BROKEN}


def test_a_job_that_kills_its_worker_twice_is_given_up(plan, monkeypatch):
    deadly = plan.jobs[0].name
    Painters(monkeypatch, killing=[deadly, deadly, deadly])
    report = exhibit(plan)
    assert len(report.painted) == 5
    assert report.failures == {deadly: engine.GIVEN_UP}


def test_no_room_is_told_before_the_first_job(plan, monkeypatch):
    painters = Painters(monkeypatch)
    monkeypatch.setattr(engine, "free_memory", lambda: 10**9)
    with pytest.raises(WrongPlan, match="Nothing was painted: the largest .* in each of 2 workers"):
        exhibit(plan, workers=2)
    assert painters.calls == []
    assert not plan.out.exists()
    assert len(exhibit(plan, workers=1).painted) == 6


def test_what_is_too_large_is_told_with_every_other_mistake(tmp_path, monkeypatch):
    monkeypatch.setattr(plans, "free_memory", lambda: 10**9)
    monkeypatch.setattr(plans, "free_disk", lambda _: 10)
    large = {**WORK, "size": [64, 3000]}
    with pytest.raises(WrongPlan) as caught:
        plan_of(tmp_path, {**WORK, "recipe": "gatis", "size": 5000}, large, {**WORK, "size": 4})
    text = str(caught.value)
    assert "5 mistakes" in text
    for words in ("'gatis'", "of 5000 px needs", "of 3000 px needs", "not 4", "need 18 MB"):
        assert words in text


def test_what_is_finished_needs_no_room(tmp_path, monkeypatch):
    monkeypatch.setattr(plans, "free_memory", lambda: 10**12)
    plan = plan_of(tmp_path, {**WORK, "size": 3000})
    plan.out.mkdir()
    (plan.out / f"{plan.jobs[0].name}.png").write_bytes(plans.END_OF_PNG)
    monkeypatch.setattr(plans, "free_memory", lambda: 10**9)
    assert plan_of(tmp_path, {**WORK, "size": 3000}).left == []


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "results").write_text("mine")
    with pytest.raises(WrongPlan, match="results is a file: out has to be a folder"):
        exhibit(plan_of(tmp_path, WORK))


def test_cores_are_not_oversubscribed(plan, monkeypatch):
    monkeypatch.setattr(engine, "cores", lambda: 8)
    monkeypatch.setattr(engine, "painters", lambda: 8)
    monkeypatch.setattr(engine, "free_memory", lambda: 10**12)
    for workers, expected in ((None, (6, 1)), (2, (2, 4)), (8, (8, 1)), (16, (16, 1))):
        found = forecast(plan, plan.jobs, workers)
        assert (found.workers, found.threads) == expected
    monkeypatch.setattr(engine, "free_memory", lambda: 3 * found.memory)
    assert forecast(plan, plan.jobs).workers == 3


def test_a_forecast_grows_with_the_work(tmp_path):
    small = forecast(plan_of(tmp_path, WORK), plan_of(tmp_path, WORK).jobs)
    large_plan = plan_of(tmp_path, {**WORK, "size": 64, "steps": 4, "precision": "float32"})
    large = forecast(large_plan, large_plan.jobs)
    own = [one.core_seconds - SECONDS_A_JOB for one in (small, large)]
    assert 14 < own[1] / own[0] < 18
    assert large.memory > small.memory
    assert 3.8 < large.disk / small.disk < 4.2


def test_half_a_file_is_painted_again(plan):
    """A disk that failed kept the beginning of one; an empty file is none, either."""
    plan.out.mkdir()
    names = [plan.out / f"{job.name}.png" for job in plan.jobs]
    for name in names:
        save(noise(torch.zeros(1, 3, 20, 30)), name, {"job": name.stem})
    names[1].write_bytes(names[1].read_bytes()[:-20])
    names[4].write_bytes(b"")
    assert [job.name for job in plan.missing()] == [names[1].stem, names[4].stem]


@pytest.mark.slow
def test_ten_thousand_jobs_are_read_and_resumed_in_seconds(tmp_path):
    start = time.process_time()
    work = {
        "content": ["china", "chelsea", "coffee", "astronaut", "river_otter"],
        "style": ["mosaic", "woodcut", "starry_night", "stained_glass"],
        "recipe": ["ours", "d2l", "gatys", "tensorflow", "pystiche"],
        "seed": list(range(100)),
    }
    plan = plan_of(tmp_path, work)
    assert len(plan.jobs) == 10_000
    plan.out.mkdir()
    for job in plan.jobs[:5000]:
        (plan.out / f"{job.name}.png").write_bytes(plans.END_OF_PNG)
    assert forecast(plan, plan.missing()).jobs == 5000
    assert time.process_time() - start < 20


# ---- a job ---------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_job_is_painted_and_measured(tmp_path):
    control = {
        "masks": ["tubingen_neckarfront_sky", "not tubingen_neckarfront_sky"],
        "way": "resized",
    }
    control["protected"] = ["tubingen_neckarfront_sky", 0.5]
    work = {"content": "tubingen_neckarfront", "style": [["mosaic", "woodcut"]], "control": control}
    plan = plan_of(tmp_path, {**work, "precision": "float32", "title": "A town", "label": "Mine."})
    (job,) = plan.jobs
    plan.out.mkdir()
    done = jobs.carry_out(*engine._arguments(plan, job, 1))
    assert done.failure == ""
    settings = read_settings(plan.out / f"{job.name}.png")
    assert settings["job"] == job.name
    assert settings["evaluations"] == 2
    assert len(settings["style_errors"]) == 5
    assert 0 < settings["content_error"] < 1
    assert "at 32 px instead of 512" in settings["said"][0]
    assert not (plan.out / jobs.PROGRESS / job.name).exists()


def test_what_is_there_is_not_painted_again(plan, monkeypatch):
    """Dask repeats the jobs of a killed worker, also those that it had finished."""
    plan.out.mkdir()
    (job, *_) = plan.jobs
    save(noise(torch.zeros(1, 3, 20, 30)), plan.out / f"{job.name}.png", {"job": job.name})
    monkeypatch.setattr(jobs, "_paint", None)
    assert jobs.carry_out(*engine._arguments(plan, job, 1)).failure == ""


def test_a_worker_ends_with_the_process_that_has_started_it(tmp_path, monkeypatch):
    ends = []
    monkeypatch.setattr(jobs.os, "_exit", ends.append)
    jobs._tell(tmp_path / "job", jobs.os.getppid(), 0.5)
    assert (tmp_path / "job").exists() and ends == []
    jobs._tell(tmp_path / "job", -1, 0.5)
    assert ends == [1]


def test_a_full_memory_is_told_in_words(plan, monkeypatch):
    problems = [MemoryError(), RuntimeError("[enforce fail] can't allocate memory: 9 bytes")]
    for problem in problems:

        def fail(*_, problem=problem):
            raise problem

        monkeypatch.setattr(jobs, "_paint", fail)
        done = jobs.carry_out(*engine._arguments(plan, plan.jobs[0], 1))
        assert done.failure.startswith("there was not enough memory: take a smaller size")


def test_what_goes_wrong_in_a_job_is_a_sentence(tmp_path):
    save(torch.zeros(1, 3, 854, 1280), tmp_path / "empty.png")
    control = {"masks": ["empty.png"]}
    plan = plan_of(tmp_path, {**WORK, "content": "desert_dune", "control": control})
    (job,) = plan.jobs
    done = jobs.carry_out(*engine._arguments(plan, job, 1))
    assert done.failure == "mask 1 is empty: no place would be painted by it"
    assert not list(plan.out.glob("*.png"))
    assert not (plan.out / jobs.PROGRESS / job.name).exists()


# ---- pages ---------------------------------------------------------------------------------------


@pytest.fixture
def gallery(tmp_path):
    """Three results, and files that are none."""
    for number, (content, error) in enumerate([("china", 0.3), ("chelsea", 0.1), ("coffee", 0.2)]):
        name = f"{content}_mosaic_ours_{number}"
        settings = {
            "job": name,
            "title": "Tea & <leaves>" if content == "china" else "",
            "label": "First line.\n\nSecond line.",
            "content": content,
            "style": ["mosaic"],
            "recipe": "ours",
            "changes": {},
            "control": {},
            "size": 32,
            "network": "vgg19",
            "precision": "fast",
            "evaluations": 2,
            "seconds": 10 - number,
            "style_error": error,
            "style_errors": [error] * 5,
            "content_error": 0.5,
        }
        save(load(content, 32), tmp_path / f"{name}.png", settings)
    save(load("china", 32), tmp_path / "holiday.png")
    (tmp_path / "text.png").write_text("no picture")
    return tmp_path


def contents(found):
    return [result.settings["content"] for result in found]


def test_results_are_those_of_the_exhibition_alone(gallery):
    assert contents(page.results(gallery)) == ["chelsea", "china", "coffee"]


@pytest.mark.parametrize(
    "word, expected",
    [
        ("name", ["chelsea", "china", "coffee"]),
        ("style", ["chelsea", "coffee", "china"]),
        ("time", ["coffee", "chelsea", "china"]),
    ],
)
def test_results_are_sorted(word, expected, gallery):
    assert contents(page.sorted_by(page.results(gallery), word)) == expected


def test_a_page_follows_its_plan(plan, monkeypatch):
    """Titles and labels are those of now, in the order of the plan; an old painting is no part."""
    Painters(monkeypatch)
    exhibit(plan)
    works = [{**WORK, "seed": seed, "title": f"Seed {seed}", "label": "New."} for seed in (4, 2, 9)]
    shown = page.of_plan(plan_of(plan.folder, *works))
    assert [result.settings["title"] for result in shown] == ["Seed 4", "Seed 2"]
    assert {result.settings["label"] for result in shown} == {"New."}


def test_results_are_filtered(gallery):
    found = page.results(gallery)
    assert contents(page.filtered(found, ["content=china"])) == ["china"]
    assert contents(page.filtered(found, ["style=mosaic", "size=32"])) == contents(found)
    assert page.filtered(found, ["recipe=d2l"]) == []
    for word in ("china", "painter=mosaic"):
        with pytest.raises(ValueError, match="a filter is word=value, such as style=mosaic"):
            page.filtered(found, [word])


@pytest.mark.slow
def test_a_page_holds_everything_and_calls_nobody(gallery):
    from bs4 import BeautifulSoup

    page.write_pages(page.results(gallery), gallery, "Tea <&> cats", "Somebody")
    text = (gallery / "index.html").read_text(encoding="utf-8")
    soup = BeautifulSoup(text, "html.parser")
    assert soup.h1.text == "Tea <&> cats"
    assert soup.title.text == "Tea <&> cats"
    pictures = soup.select("article img")
    assert len(pictures) == 3
    for picture in pictures:
        assert picture["src"].startswith("data:image/jpeg;base64,")
        assert len(picture["alt"]) > 40
    assert "Tea & <leaves>" in [heading.text for heading in soup.select("h2")]
    assert [link["href"] for link in soup.select("nav a")] == ["#p1", "#p2", "#p3"]
    assert not soup.select("script, link, iframe")
    assert not re.search(r"""(src|srcset|poster)=["']?http|url\(|@import""", text)


def test_a_page_gives_credit(gallery):
    """With the licence, by a link; and it says that the photo was changed."""
    text = page.page(page.results(gallery), "Tea")
    for words in ("danielbuechele", 'rel="license">CC BY 2.0</a>', "the photo was changed"):
        assert words in text
    assert "colour matched; masks sky, not sky" == page._told(
        {"colour": "matched", "masks": ["sky", "not sky"]}
    )


@pytest.mark.parametrize("number, columns", [(1, 1), (3, 1), (4, 2), (24, 4), (90, 8)])
def test_pictures_on_a_contact_sheet_are_as_large_as_they_can_be(number, columns):
    found, (width, height) = page._grid(number)
    assert found == columns
    assert found * width <= 1240 and -(-number // found) * height <= 1754


def test_all_numbers_are_in_a_table(gallery):
    rows = list(csv.DictReader(io.StringIO(page.table(page.results(gallery)))))
    assert [row["style_error"] for row in rows] == ["0.1", "0.3", "0.2"]
    assert rows[1]["title"] == "Tea & <leaves>"


def test_a_title_is_no_formula_of_a_spreadsheet(gallery):
    (result, *_) = page.results(gallery)
    result.settings["title"] = "=HYPERLINK(1)"
    assert "'=HYPERLINK(1)" in page.table([result])


@pytest.mark.slow
def test_a_contact_sheet_is_a_page_of_a4(gallery):
    sheet = Image.open(io.BytesIO(page.contact_sheet(page.results(gallery), "Tea")))
    assert sheet.size == (1240, 1754)
    assert sheet.getextrema() != ((255, 255),) * 3


# ---- the command line ----------------------------------------------------------------------------


@pytest.fixture
def toml(tmp_path):
    path = tmp_path / "plan.toml"
    work = '[[work]]\ncontent = ["china", "chelsea"]\nstyle = "mosaic"\n'
    path.write_text(f'title = "Mine"\nout = "results"\nsize = 32\nsteps = 2\n{work}')
    return path


def test_a_forecast_paints_nothing(toml, capsys):
    assert main([str(toml), "--forecast"]) == 0
    assert "2 of 2 paintings are to be made" in capsys.readouterr().out
    assert not (toml.parent / "results").exists()


def test_a_wrong_plan_is_an_exit_code_and_a_sentence(tmp_path, capsys):
    assert main([str(tmp_path / "lost.toml")]) == 2
    assert "lost.toml cannot be read" in capsys.readouterr().err


@pytest.mark.slow
def test_pages_of_a_folder(gallery, capsys):
    assert main([str(gallery), "--filter", "style=mosaic", "--sort", "time"]) == 0
    assert "(3 paintings)" in capsys.readouterr().out
    assert (gallery / "index.html").read_text(encoding="utf-8").index(
        "A cup of coffee after Two Fishes"
    ) > 0
    assert main([str(gallery), "--filter", "style=woodcut"]) == 2
    assert "that the filter lets through" in capsys.readouterr().err


def test_a_scheduler_is_asked_where_one_is_named(toml, monkeypatch):
    asked = []

    def refuse(scheduler, out):
        asked.append(scheduler)
        raise WrongPlan("nobody is there")

    monkeypatch.setattr(engine, "connected", refuse)
    assert main([str(toml), "--scheduler", "tcp://one:8786"]) == 2
    toml.write_text('scheduler = "tcp://two:8786"\n' + toml.read_text())
    assert main([str(toml)]) == 2
    assert asked == ["tcp://one:8786", "tcp://two:8786"]


@pytest.mark.parametrize("words", [[], ["--workers", "0"], ["--cluster", "0"]])
def test_a_wrong_command_line_is_refused(words, toml):
    with pytest.raises(SystemExit):
        main([str(toml), *words] if words else [])


def test_pages_of_nothing(toml, capsys):
    assert main([str(toml), "--pages"]) == 2
    assert "there is no painting in" in capsys.readouterr().err


@pytest.mark.slow
def test_two_jobs_by_two_workers(toml, capsys):
    """The real workers, once."""
    assert main([str(toml), "--workers", "2"]) == 0
    out = capsys.readouterr().out
    assert "2 painted, 0 found, 0 failed, of 2." in out
    names = {path.name for path in (toml.parent / "results").iterdir()}
    assert {"index.html", "contact_sheet.png", "results.csv", "report.json"} < names
    assert main([str(toml), "--filter", "content=china", "--sort", "style"]) == 0
    assert "(1 painting)" in capsys.readouterr().out
