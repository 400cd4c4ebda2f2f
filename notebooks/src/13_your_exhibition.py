# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# <!-- top -->
#
# # Hang your own exhibition
#
# > **The question** How does a handful of paintings become an exhibition that you may show, and whose every choice you can defend?
# > **You will make** an exhibition of three pictures with labels, judged by a rubric, as one HTML file that needs no network, and a contact sheet to print; and a plan that paints a thousand of them on many machines.
# > **You need** the weights of [notebook 05](05_the_total_loss.ipynb), the sizes of [09](09_bigger_pictures.ipynb) and the masks of [10](10_controlling_style.ipynb); we repeat each in a sentence. The symbols are in the [table of notation](00_start_here.ipynb#Notation).
# > **Time** about 35 minutes to read and run, and 100 minutes for the exercises; the computing in it takes about two minutes on a laptop

# %% tags=["setup"]
# <<setup>>

# %% [markdown]
# This is a small room in a museum that does not exist. Mira Lindqvist, whom we have invented as well, has worked through
# the first twelve notebooks, and these are the three pictures that she wants to show:

# %% tags=["hero"]
from helpers.images import DATA, load
from helpers.show import show

show(load(DATA / "results" / "13_exhibition.jpg", 960),
     alt="Three framed paintings on a light wall: a mountain lake in small touches of many colours, a pavilion under a "
     "rolling sky, and the Colosseum in gold beside a blue night sky full of swirls.")

# %% [markdown]
# She calls it *One Day, Two Painters*. Each picture is a photo of one place, and the three follow a day from the morning
# to the night. In this notebook we look over her shoulder. She chooses pictures that she may show, writes down what is to
# be painted, tries it small, gives a reason for every setting, writes the labels, and is judged by a rubric. After each
# step you do the same for an exhibition of your own.
#
# (`python do.py exhibit data/exhibition.toml` paints her three pictures again, and `python -m tools.pictures.results
# 13_exhibition` hangs them in their room.)

# %% tags=["settings"]
size = 240  # pixels of the long side of what is painted below
evaluations = 30  # trips through the network and back, for each

# %% [markdown]
# ## May I show it?
#
# This question comes first, because it is the only one that can close an exhibition. What follows is what careful people
# do, and no legal advice: laws differ from country to country, and a museum asks a lawyer.
#
# A painting made by style transfer contains two works by other people, a photo and a style image. For each of them,
# somebody may have the **copyright**, the right to decide who copies and changes it. So we need a permission for both, or
# a reason why none is needed. All pictures of this series carry their papers with them:

# %%
# NBVAL_CHECK_OUTPUT
from helpers.images import manifest

chosen = ["lake_sherburne", "signac_la_calanque", "china", "vangogh_wheat_field_cypresses",
          "roman_colosseum", "starry_night"]
for name in chosen:
    papers = manifest()[name]
    print(f"{papers['title']}, {papers['author']}, {papers['year']}: {papers['licence']}")

# %% [markdown]
# Three kinds of papers are in this list. **Public domain** means that nobody has the copyright any more, or that there
# never was one. In the European Union it ends 70 years after the artist's death, at the end of that year. Signac died in
# 1935, so his paintings became free on the first of January 2006. (In the [United
# States](https://www.copyright.gov/help/faq/faq-duration.html) the year of publication counts for older works.) The photo
# of a painting could have a copyright of its own, but if it only reproduces a flat picture that is free, then it has none
# in the Union, by [article 14 of the directive of 2019](https://eur-lex.europa.eu/eli/dir/2019/790/oj).
#
# [**CC0**](https://creativecommons.org/publicdomain/zero/1.0/) means that the author has given up all rights. You need
# not name Bence Boros for the Colosseum, but it is kind to, and a visitor wants to know. And [**CC
# BY**](https://creativecommons.org/licenses/by/2.0/) allows nearly everything, *if* you name the author and the licence and
# say that you changed the picture. A painting is certainly a change, so the label or the page of Mira's pavilion has to
# say all three. Watch out for two letters in such licences: ND means that no changed version may be shared, so a photo
# with CC BY-ND cannot be painted for an exhibition, and NC means that nobody may earn money with it.
#
# What about an artist who is alive? A *style* is free in most countries, because the law protects works and not ways of
# working ([section 102(b)](https://www.copyright.gov/title17/92chap1.html#102) of the American law says so for every
# "idea" and "method"). But you do not feed a style to the network. You feed it one painting, and that painting is a
# work whose copy you need a permission for. Beyond the law stands a person who spent thirty years on finding that stroke,
# and whose pictures may be harder to sell when anybody can have one like it in a minute. So ask. If the answer is no, or
# none, take one of the thousands of paintings that are free. If it is yes, name the artist, and never let a visitor
# believe that it is a picture *by* that artist.
#
# People in a photo have rights, too. You may own the photo of your friend, and still your friend decides whether a
# face in the colours of *The Scream* goes on a public page.
#
# **Exercise 1 · predict** · ●○○ · 10 minutes. It is the year 2026, and you live in the European Union. May you show, on
# your page, a painting made from these? For each answer "yes", "no" or "ask", where "ask" means that it depends on the
# permission of a person whom you can ask.
#
# - `"picasso"`: your own photo of a tree, after a painting by Pablo Picasso, who died in 1973;
# - `"mondrian"`: your photo of a street, after Piet Mondrian, who died in 1944;
# - `"bought"`: your photo of a bridge, after a painting by a living artist that hangs in your kitchen, because you bought it;
# - `"no derivatives"`: somebody's photo with the licence CC BY-ND, after Monet, who died in 1926;
# - `"attribution"`: somebody's photo with CC BY, after Monet, with the photographer and the licence named on your page, and a
#   note that you changed it;
# - `"friend"`: your own portrait of your friend, after Van Gogh.


# %% tags=["spec", "folded"]
def rights_spec():
    in_union = {"picasso": 1973, "mondrian": 1944, "monet": 1926}
    is_free = {name: 2026 > died + 70 for name, died in in_union.items()}
    answers = {name: "yes" if is_free[name] else "no" for name in ("picasso", "mondrian")}
    answers["bought"] = "ask"
    answers["no derivatives"] = "no"
    answers["attribution"] = "yes"
    answers["friend"] = "ask"
    return answers


# %% tags=["exercise"]
def my_rights():
    """A dict with the keys picasso, mondrian, bought, no derivatives, attribution, friend."""
    # solution
    return {
        "picasso": "no",  # free from 1 January 2044
        "mondrian": "yes",  # free since 1 January 2015
        "bought": "ask",  # a canvas is not its copyright
        "no derivatives": "no",  # that Monet is free does not help the photo
        "attribution": "yes",
        "friend": "ask",
    }


# %% tags=["check"]
from helpers.check import check

check(my_rights, rights_spec);

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# There are always two works, and both need their papers. Which of the two is the problem, if there is one?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# Add 70 to the year of death. And who has the copyright of a painting after it was sold? (Not who has the canvas,
# unless a contract says so.)
#
# </details>
#
# <!-- solution: my_rights -->
#
# ## One room, one idea
#
# Why these three? Any three paintings fill a wall. An exhibition needs one idea that you can say in a sentence, and here it
# is: the same day, from the stillness of the morning to the lights of the night. The idea decides about the photos. For
# each photo, Mira then asked which of the free paintings has something to say about it.

# %%
photos = [load(name, 480) for name in ("lake_sherburne", "china", "roman_colosseum")]
styles = [load(name, 480) for name in ("signac_la_calanque", "vangogh_wheat_field_cypresses", "starry_night")]
show([*photos, *styles], ["morning", "noon", "night", "La Calanque", "Wheat Field with Cypresses", "The Starry Night"],
     columns=3, height=190,
     alt="Three photos, a lake below snowy mountains, a pavilion under a pale sky and the lit Colosseum at dusk, and below "
     "them three paintings: a bay in square touches, a wheat field under rolling clouds, and a starry night.")

# %% [markdown]
# A style can only show what it has. The lake is nearly all smooth area, sky and water, and Signac's square touches bring
# life to smooth areas. The photo of the pavilion has the one thing that Van Gogh's wheat field lacks, a building, and it
# lacks what the wheat field has in plenty, a sky. And who would give the night to somebody else than the painter of *The
# Starry Night*?
#
# **Your turn, before you run the next cell.** Suppose that Mira had taken *Composition VII* by Kandinsky for all three.
# It is loud and splendid. What would the visitors see of her idea, the hours of a day?
#
# <details><summary>Compare</summary>
#
# Hardly anything. The hours are told by light and by skies, and Kandinsky's picture has neither, so every sky would be
# filled with the same coloured shapes. The three pictures would look much more alike, and show three places at no
# particular time. A loud style is a fine choice for another idea.
#
# </details>
#
# ## Write it down
#
# Here is the whole exhibition as a file, in the format [TOML](https://toml.io/en/), which people can read and write. What
# stands above the first `[[work]]` holds for all works.

# %%
text = (DATA / "exhibition.toml").read_text(encoding="utf-8")
print(text[text.index("title ="):text.index("label =")], "...")

# %% [markdown]
# A work names a photo, a style, and whatever differs from the recipe `ours`, which is the loss of notebook 05 with the
# optimiser of 07. Here that is the weight of the photo's content, the size of the style image, and how the painting grows:
# 50 evaluations at 256 pixels, 30 at 512 and 15 at 800, from coarse to fine as in notebook 09. If you write a list where
# one word would do, as `style = ["mosaic", "woodcut"]` or `seed = [0, 1, 2]`, then every combination is painted.
#
# `Plan` reads such a table, and turns it into **jobs**, one for each painting. We take Mira's plan and make it smaller. A
# painting of 240 pixels does not have to grow first, so the three stages are left out. (What `changes` still says is that
# the size of the style image is meant for 800 pixels, so that it shrinks with the painting.)

# %%
import copy
import tomllib

from helpers.exhibit import Plan, exhibit

smaller = {"out": "outputs/one_day", "size": size, "steps": evaluations, "changes": {"size": 800}}
table = {**tomllib.loads(text), **smaller}
plan = Plan(table)
for job in plan.jobs:
    print(job.name.replace("_ours_", " ours "))

# %% [markdown]
# What are the strange letters at the end? They are a **hash**, a number that is computed from everything that makes the
# painting: the recipe with its weights, the sizes, the controls, and every byte of the pictures. The file of the result
# gets this name.
#
# **Your turn, before you run the next cell.** Mira corrects a comma in a label. Then she changes the content weight of the
# morning from 0.015 to 0.05. Which of the two changes the name of a job? And why would a program want such names?
#
# <details><summary>Compare</summary>
#
# A label is not painted, so a new comma keeps the name. A new weight makes another painting, with another name. So the
# program can tell what is done by looking which files are there: whatever happened before, a second call paints what is
# missing and nothing else, and no old picture can be mistaken for a new one.
#
# </details>

# %%
# NBVAL_CHECK_OUTPUT
other_label = copy.deepcopy(table)
other_label["work"][0]["label"] = "A lake, in the morning."
other_weight = copy.deepcopy(table)
other_weight["work"][0]["changes"]["content"]["relu4_2"] = 0.05
for what, changed in {"label": other_label, "weight": other_weight}.items():
    old_names = {job.name for job in plan.jobs}
    new_names = {job.name for job in Plan(changed).jobs} - old_names
    print(f"another {what}: {len(new_names)} of {len(old_names)} names change")

# %% [markdown]
# Plans have mistakes, and nobody wants to find the seventh of them after seven nights of painting. So a plan is checked as
# a whole before the first job, and all that is wrong with it is said at once.
#
# **Exercise 2 · diagnose** · ●●○ · 15 minutes. This plan has five mistakes, and `Plan` has six sentences about
# them. Run the cell, read it, and write `my_repair(table)`, which returns a table that can be carried out and still means what its author meant: the
# pavilion after the mosaic and after the woodcut, at two sizes; and the dune, with its sky after the mosaic and its sand
# after the woodcut.


# %% tags=["spec"]
import copy

from helpers.exhibit.plan import Plan, WrongPlan

broken_plan = {
    "title": "Stone and wood",
    "work": [
        {"content": "china", "style": ["mosaic", "wood_cut"], "size": [320, "480"]},
        {
            "content": "desert_dune",
            "style": ["mosaic", "woodcut"],
            "recipes": "ours",
            "control": {"masks": ["desert_dune_sky", "not desert_dune_sky"], "shares": [0.5, 0.7]},
        },
    ],
}


def repair_fault(answer, table):
    plan = Plan(answer, "outputs")
    wanted = {(style, size) for style in ("mosaic", "woodcut") for size in (320, 480)}
    pavilions = {(*job.styles, job.size) for job in plan.jobs if job.content == "china"}
    if pavilions != wanted:
        return "the pavilion should be painted after each of two styles, at 320 and at 480 pixels"
    dunes = [job for job in plan.jobs if job.content == "desert_dune"]
    if len(dunes) != 1 or dunes[0].styles != ("mosaic", "woodcut"):
        return "the dune should be one painting, after both styles together"
    if dunes[0].control.get("masks") != ["desert_dune_sky", "not desert_dune_sky"]:
        return "the sky of the dune should go to the mosaic, and the rest to the woodcut"
    return ""


try:
    Plan(broken_plan, "outputs")
except WrongPlan as mistakes:
    print(mistakes)


# %% tags=["exercise"]
def my_repair(table):
    """table: the broken plan, of which you get a copy -> a plan without mistakes."""
    # solution
    pavilion, dune = table["work"]
    pavilion["style"] = ["mosaic", "woodcut"]
    pavilion["size"] = [320, 480]
    del dune["recipes"]  # "ours" is what it would be, anyway
    dune["style"] = [["mosaic", "woodcut"]]  # together in one picture, not one after the other
    dune["control"]["shares"] = [0.5, 0.5]
    return table


# %% tags=["check"]
from helpers.check import judge

judge(my_repair, repair_fault, copy.deepcopy(broken_plan));

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Two of the sentences are about the same thing. A list of styles means one painting for each. What could a list *in* a
# list mean? Look at the last work of Mira's plan.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# Three are slips of a pen: a name, a number in quotation marks, and a word that should be `recipe`. The shares of two
# styles have to add up to 1.
#
# </details>
#
# <!-- solution: my_repair -->
#
# ## Paint it small, and doubt
#
# Every setting is a claim that another one would be worse, so let us paint the other one as well. For each work Mira has
# an alternative, which differs in one thing only: the content weight of the morning is as high as that of the noon, the
# weight of the noon is as low as that of the morning, and the night has no masks, but *The Starry Night* everywhere.

# %%
doubts = copy.deepcopy(table)
doubts["out"] = "outputs/doubts"
morning, noon, night = doubts["work"]
morning["changes"]["content"] = {"relu4_2": 0.05}  # instead of 0.015
noon["changes"]["content"] = {"relu4_2": 0.015}  # instead of 0.05
night["style"] = "starry_night"  # everywhere
night["control"] = {}

for wanted in (table, doubts):
    exhibit(Plan(wanted))

# %% [markdown]
# `exhibit` first says what the plan will take. Then it starts **workers**, processes that paint side by side, and tells
# every few seconds how far each of them is. Here are the results, with the numbers that were measured on each file: the
# mean of the five relative style errors, and the relative content error at `relu4_2`.

# %%
from helpers.exhibit.page import of_plan

results = of_plan(Plan(table))  # in the order of the plan
others = of_plan(Plan(doubts))
pictures = []
titles = []
for result, other in zip(results, others, strict=True):
    for kind, painting in {"chosen": result, "other": other}.items():
        numbers = painting.settings
        pictures.append(load(painting.path, None))
        titles.append(f"{kind}: style {numbers['style_error']:.3f}, content {numbers['content_error']:.2f}")
for result, other in zip(results[:2], others[:2], strict=True):
    low, high = sorted([result.settings, other.settings], key=lambda settings: settings["content_error"], reverse=True)
    assert low["style_error"] < high["style_error"]  # a lower weight of the photo buys style
show(pictures, titles, columns=2, height=264,
     alt="The lake, the pavilion and the Colosseum, each twice: the two lakes and the two pavilions differ in details only; "
     "the chosen Colosseum is green and golden, and the other is dark blue with pale arches.")

# %% [markdown]
# The numbers show what notebook 05 called the price. In both of the first two rows, the version with the lower weight of
# the photo is a little nearer to the style, and farther from the photo. You have to look closely to see it: at the chosen
# lake, the ridge is broken into more spots, and at the chosen pavilion, the railings are firmer. Neither of the two is
# *right*. But Mira can say what she wanted, a lake that dissolves and a pavilion that does not.
#
# The third row is another kind of doubt, and here the numbers do not help. The chosen picture is compared with two styles at
# once, and no picture can have all of both, so its style error must be larger than that of a picture with one style. So
# the eye decides. *The Starry Night* knows no golden stone. Where it paints everywhere, the walls are dark blue and the
# arches are pale, and the light that made it a photo of the night is nearly gone.
#
# Look also for what notebook 11 called artefacts: grain in the smooth parts, a frame at the border, forms of the style that
# appear where they make no sense. And step back. On a page people first see a picture as large as a stamp, and some then
# look at it from close by, which were the two tests of notebook 09.
#
# **Exercise 3 · design** · ●●○ · 20 minutes. Doubt a setting yourself. Write `my_doubt(table)`, which gets a copy of Mira's
# plan and returns a plan with *one* of her works, painted twice, so that exactly one thing differs. It may be whatever you
# want to know: the size of the style image (`style_size` in `changes`), a colour (`control = {"colour": "matched"}`), another
# recipe, the number of steps. Then run the two last lines, which are comments now.


# %% tags=["spec"]
import copy
import tomllib
from dataclasses import asdict

from helpers.exhibit.plan import Plan
from helpers.images import DATA

mira = tomllib.loads((DATA / "exhibition.toml").read_text(encoding="utf-8"))


def doubt_fault(answer, table):
    plan = Plan(answer, "outputs")
    if len(plan.jobs) != 2:
        return f"two paintings were wanted, and this plan has {len(plan.jobs)}"
    first, second = [asdict(job) for job in plan.jobs]
    different = [word for word in first if word not in ("name", "title", "label") and first[word] != second[word]]
    fields = {*first["changes"], *second["changes"]}
    changed = [field for field in fields if first["changes"].get(field) != second["changes"].get(field)]
    number = len([word for word in different if word != "changes"]) + len(changed)
    if number != 1:
        names = [word for word in [*different, *changed] if word != "changes"]
        return f"{number} things differ ({', '.join(names)}), so nobody could tell which made the difference"
    works = [(job.content, job.styles) for job in Plan(mira, "outputs").jobs]
    if not any((job.content, job.styles) in works for job in plan.jobs):
        return "neither of the two is one of Mira's works"
    return ""


# %% tags=["exercise"]
def my_doubt(table):
    """table: Mira's plan, of which you get a copy -> a plan with two jobs."""
    # solution
    morning = table["work"][0]
    finer = copy.deepcopy(morning)
    finer["changes"]["style_size"] = 500  # half as large: are the touches too fine then?
    table["work"] = [morning, finer]
    return table


# %% tags=["check"]
from helpers.check import judge

judge(my_doubt, doubt_fault, copy.deepcopy(mira));
# doubt = {**my_doubt(copy.deepcopy(mira)), "out": "outputs/doubt", "size": 240, "steps": 30, "changes": {"size": 800}}
# exhibit(Plan(doubt))

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Take one work out of `table["work"]`, make a copy with `copy.deepcopy`, and change one thing in the copy.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `table["work"] = [one, other]`. Where a word may be a list, it is even shorter: one work with `"size": [256, 512]` has two
# jobs.
#
# </details>
#
# <!-- solution: my_doubt -->
#
# ## A label of eighty words
#
# Visitors read standing. The Victoria and Albert Museum gives its writers [ten
# points](https://www.vam.ac.uk/blog/wp-content/uploads/VA_Gallery-Text-Writing-Guidelines_online_Web.pdf), and among them are a
# word count, "engage with the object" and "write as you would speak". A label for our kind of picture has to do three things in
# about eighty words: say where the photo and the style come from, send the eyes back to the picture, and give *one*
# reason for one choice. Here are Mira's, under the paintings as she will show them:

# %%
import textwrap

hung = DATA / "results" / "13_exhibition"
works = table["work"]
print(f"{works[0]['title']} ({len(works[0]['label'].split())} words)\n")
print(textwrap.fill(works[0]["label"].strip(), 100))
show(load(hung / "morning.jpg", None), height=450,
     alt="A lake below snowy mountains, all of it in touches of pink, orange, violet and blue; the forest is a dark "
     "slope of red and green spots, and a bright reflection lies at the lower right.")

# %%
print(f"{works[1]['title']} ({len(works[1]['label'].split())} words)\n")
print(textwrap.fill(works[1]["label"].strip(), 100))
show(load(hung / "noon.jpg", None), height=500,
     alt="A pavilion with yellow roofs and blue-green eaves, its arches and railings clear, under a sky of rolling "
     "strokes in blue and cream, with bushes of short yellow and green strokes below.")

# %%
print(f"{works[2]['title']} ({len(works[2]['label'].split())} words)\n")
print(textwrap.fill(works[2]["label"].strip(), 100))
show(load(hung / "night.jpg", None), height=450,
     alt="The Colosseum with golden arches between dark green stones, a pale edge along its outline, and beside it a blue "
     "and grey sky whose strokes swirl around yellow stars.")

# %% [markdown]
# Read one of them aloud. It says nothing about gradients or layers, and yet each has a sentence about a decision that you
# know: a low weight, a high one, a mask. It does not praise the picture, and it does not say what everybody sees. The
# licences are missing here because the page prints them under every label.
#
# **Exercise 4 · design** · ●●● · 25 minutes. Write a label for a painting that you have made, here or in any earlier
# notebook. `my_label()` returns a tuple: the label, the name of the painter whose style it is, and the one word in it that
# names your choice (such as "weight" or "mask"). A program cannot judge whether it is good, but it can count: 65 to 95 words,
# no sentence of more than 30, the painter's name is in it, and none of the words that labels are better without.


# %% tags=["spec"]
import re

EMPTY_WORDS = ("beautiful", "stunning", "amazing", "unique", "iconic", "masterpiece", "neural", "algorithm")


def label_fault(answer):
    label, painter, choice = answer
    words = re.findall(r"[\w’'-]+", label)
    if not 65 <= len(words) <= 95:
        return f"it has {len(words)} words; 65 to 95 were wanted"
    longest = max(len(sentence.split()) for sentence in re.split(r"[.?!]", label))
    if longest > 30:
        return f"one of its sentences has {longest} words, and visitors stand"
    if painter not in label:
        return f"the name of the painter, {painter}, does not stand in it"
    if choice not in label:
        return f"the word for your choice, {choice!r}, does not stand in it"
    used = [word for word in EMPTY_WORDS if word in label.lower()]
    if used:
        return f"it is better without {', '.join(used)}"
    return ""


# %% tags=["exercise"]
def my_label():
    """(label, painter, choice), three texts."""
    # solution
    label = (
        "Every path in Fushimi leads under orange gates, thousands of them, each given by somebody who hoped for "
        "something. Uehara Konen cut his waves into wood in about 1910 and printed them in many blues. What happens when "
        "the sea comes up the mountain? The gates were painted in their own colours, because blue gates would be "
        "somewhere else. So the waves gave their movement only, and the colour stayed. Follow one post with your eyes "
        "from the ground to the top."
    )
    return label, "Uehara Konen", "colour"


# %% tags=["check"]
from helpers.check import judge

judge(my_label, label_fault);

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Start with what can be seen, then say what cannot: where it is, who painted the other picture, and what you decided. End by
# sending the eyes somewhere.
#
# </details>
#
# <!-- solution: my_label -->
#
# ## Judged by a rubric
#
# A **rubric** is a table that says in advance what will be judged, and what each number of points means. It makes
# judges agree more often, and, better still, it tells you before the opening what is missing. This one is for exhibitions
# made in this series. Print it, and let somebody else fill it in.

# %%
# NBVAL_CHECK_OUTPUT
rubric = {
    "Rights": ["a work without papers", "papers, but no credits", "all credited", "all credited, changes told, people asked"],
    "Idea": ["three pictures", "a common theme", "one sentence that chose the photos", "and the styles answer it"],
    "Reasons": ["settings left as they were", "some chosen", "each chosen, one thing compared", "each compared, with numbers"],
    "Craft": ["artefacts all over", "some seen from afar", "some seen from close by", "clean from afar and from close by"],
    "Labels": ["missing", "say what one sees anyway", "about 80 words, origin and choice", "and one looks again after reading"],
}
for criterion, levels in rubric.items():
    for points, level in enumerate(levels):
        print(f"{criterion if points == 0 else '':8} {points}  {level}")

# %% [markdown]
# One row is not like the others. You can make up for weak craft by a strong idea, but nothing makes up for a work that
# may not be shown. So no points for *Rights* means no exhibition, whatever the sum is. Mira's own judgement, with what
# she would say to a colleague:

# %%
# NBVAL_CHECK_OUTPUT
mine = {"Rights": 3, "Idea": 3, "Reasons": 3, "Craft": 2, "Labels": 2}


def verdict(points):
    """points of each criterion, 0 to 3 -> a sentence."""
    if points["Rights"] == 0:
        return "may not be shown"
    return f"{sum(points.values())} of {3 * len(points)} points"


print(verdict(mine))
print(verdict({**mine, "Rights": 0}))

# %% [markdown]
# *Craft* has two points because of a pale edge along the Colosseum, where the polygon misses the outline of the stones, and
# because of the grain that you see in the lake if you go near. *Labels* has two because she cannot know whether anybody
# will look again; somebody else has to tell her. Do you agree? Judge the three pictures
# above yourself before you go on.
#
# ## Hang it
#
# The page is one HTML file that has everything in it, so it can be sent by mail, put on any web server, or opened in twenty
# years. The contact sheet has all pictures on one sheet of A4, and a table with all numbers can be opened as a
# spreadsheet:

# %%
# NBVAL_CHECK_OUTPUT
from pathlib import Path

from helpers.exhibit.page import write_pages

files = write_pages(results, Path("outputs/one_day"), table["title"], table["author"])
page = files[0].read_text(encoding="utf-8")
print([file.name for file in files])
print("addresses that the page would fetch something from:", page.count('src="http') + page.count("<link"))

# %%
show(load(files[1], None)[:, :, :760], height=380,
     alt="The top of a white sheet with the title One Day, Two Painters and three small paintings with their titles below.")

# %% [markdown]
# Open `outputs/one_day/index.html` beside this notebook. Under each label it has a list of facts, the credits among them,
# with the licences. Print it, and each painting gets a sheet of its own.
#
# **Exercise 5 · make a picture** · ●●● · 30 minutes. Now yours. Copy `data/exhibition.toml` to a file of your own, replace
# Mira's works by three of yours, with your own photos if you have some (a path beside the plan is as good as a name),
# write the labels, and run
#
# ```
# python do.py exhibit my_plan.toml --forecast
# python do.py exhibit my_plan.toml
# ```
#
# Then fill in the rubric, or better, swap pages with somebody.
#
# <details><summary>What to look for</summary>
#
# Is there one sentence that explains why these three hang together? Can you say of each number in the plan what would be
# worse if it were larger, and smaller? Do the credits on the page name every photographer and every painter? (Under a
# photo of your own the page prints its file name, so say in the label that it is yours.) And does one of the three look best
# from the other end of the room?
#
# </details>
#
# ## Many pictures, many machines
#
# A class of thirty that hands in three paintings each needs 90 paintings, and a study of 200 pairs and ten recipes needs
# 2,000. The same command paints them all. How long will that take? A painting that runs on two cores is not twice as fast
# as on one, because the two have to wait for each other again and again. Two paintings on one core each do not wait for
# anybody. So `exhibit` starts one worker a core, as long as the memory lasts, and gives each worker a single thread.
#
# **Your turn, before you run the next cell.** Four paintings take 1, 1, 1 and 3 minutes, and there are two workers. Whoever is
# free takes the next job. How long does it take in that order, and how long if the longest comes first? Could *any* order
# with two workers take half of the 6 minutes?
#
# <details><summary>Compare</summary>
#
# In that order, each worker first paints one of a minute. Then one takes the third, and the other begins the long one after
# a minute, so it ends after 4. With the longest first, one worker paints it for 3 minutes while the other paints the three
# short ones: 3 minutes, which is half of 6, and no order can do better.
#
# </details>


# %%
# NBVAL_CHECK_OUTPUT
def minutes_until_done(jobs, workers):
    """jobs: minutes of each, in order. Whoever is free first takes the next one."""
    free_at = [0.0] * workers
    for minutes in jobs:
        first = free_at.index(min(free_at))
        free_at[first] += minutes
    return max(free_at)


for jobs in ([1, 1, 1, 3], [3, 1, 1, 1]):
    print(jobs, "takes", minutes_until_done(jobs, workers=2), "minutes with two workers")
print("90 paintings of 2 minutes:", minutes_until_done([2] * 90, workers=1), "minutes with one worker,",
      minutes_until_done([2] * 90, workers=8), "with eight")

# %% [markdown]
# With many jobs the order hardly matters any more, and eight workers are nearly eight times as fast. When your own cores are
# not enough, a **cluster** can help, several computers that work under one **scheduler**. We use
# [Dask](https://distributed.dask.org/) for that, which is installed by `pip install -e ".[cluster]"`. In one window, this
# starts a scheduler and two workers on your own machine, and in another one you send them a plan:
#
# ```
# python do.py exhibit --cluster 2
# python do.py exhibit my_plan.toml --scheduler tcp://127.0.0.1:8786
# ```
#
# On a real cluster only the address changes. All machines need the same folder of results, on a disk that they share.
#
# Where many machines work for a night, one of them will fail. Three habits of this program make that harmless, and they are
# good habits for any long computation. A result is written beside its place and then renamed, so that there is never half
# a file. Its name says what made it, so nobody has to remember what was done. And a failure becomes a line in a report
# instead of the end of the run. If you pull a plug in the middle, the jobs that were just being painted are lost, and the
# same command does what is missing.
#
# This is the end of the series, and the beginning of what you make of it. You have taken a network apart, found style in a
# table of products, written the loop, made it fast, found the bugs that are in famous programs, and hung three pictures on a
# wall. What will the next room show?
#
# ## What to remember
#
# - A painting contains two works by others. Both need papers: public domain, CC0, CC BY with credit, or a person who said yes.
# - An exhibition has one idea, and a setting has a reason: paint the other choice as well, with one thing changed.
# - A label has about eighty words. It names the sources, gives one reason, and sends the eyes back to the picture.
# - Name a result by the hash of what made it. Then every long computation can be stopped, and resumed by the same command.
# - Two jobs on one core each beat one job on two cores.
#
# ## Three questions
#
# Answer each in your own words before you unfold it.
#
# 1. A friend paints your street after an artist who is alive and argues that styles are free. What do you answer?
#
# <details><summary>Answer</summary>
#
# The style may be, but the painting that was fed to the network is a work, and it was copied for that. And apart from the
# law there is somebody whom you can simply ask.
#
# </details>
#
# 2. You have painted 2,000 jobs, and then you find a wrong digit in the weight of one work out of ten. What has to be painted
#    again, and who has to find out which jobs that are?
#
# <details><summary>Answer</summary>
#
# The 200 jobs of that work. Nobody has to find out: their names change with the weight, so they are missing, and the other
# 1,800 are found. The page shows only what belongs to the plan as it is now.
#
# </details>
#
# 3. On eight cores, a plan runs with eight workers of eight threads each, and takes longer than with eight workers of one thread.
#    Why?
#
# <details><summary>Answer</summary>
#
# There are 64 threads for 8 cores. They take turns, and threads that belong to one painting wait for each other, so the
# cores are busy with waiting and changing.
#
# </details>
#
# ## On your own
#
# - Hang the same photo three times, after three painters of one movement. Is that an idea for a room, or does it need
#   another sentence?
# - Sort the page by style error (`--sort style`) and look at the best and at the worst. Would you have sorted them so?
# - Invent a sixth row of the rubric, and judge all pictures of notebook 08 by it.
#
# **In practice.** Decide at 300 pixels and paint once at 1,024. Keep the plan with the pictures: it is the only complete
# record of what you did. And ask people early whether you may show their faces.
#
# **Further reading.** [Creative Commons on
# attribution](https://wiki.creativecommons.org/wiki/Recommended_practices_for_attribution): good and bad credit lines.
# [Europeana on article 14](https://pro.europeana.eu/post/article-14-and-the-public-domain-the-state-of-play-across-europe): which
# photos of free paintings are free. [Gatys, Ecker and Bethge
# (2016)](https://www.cv-foundation.org/openaccess/content_cvpr_2016/papers/Gatys_Image_Style_Transfer_CVPR_2016_paper.pdf): now
# that you can read every line of it. [Dask's documentation](https://docs.dask.org/en/stable/deploying.html): clusters of
# many kinds.
#
# <!-- bottom -->
