"""For instructors: everything that is made from notebooks/ and teaching/, so that it cannot drift.

__main__       python do.py teach: the kit, or the notebooks with or without solutions
texts          questions.toml and objectives.toml, and Markdown as HTML with formulas
drift          what in teaching/ names something that is gone
handouts       the notebooks to give away
bank           the question bank as pages
moodle         the question bank as Moodle XML
figures        every picture, full size, with its papers
prerequisites  the map of what has to come before what
cut            a notebook -> slides
deck           slides -> a page of reveal.js, which templates/reveal holds
pdf            a deck as PDF, where there is a Chromium
kit            the pages of all this
grade          python do.py grade: the checks of submitted notebooks
submissions    what was handed in, and what of it counts
exercises      the original exercises, and what an answer needs from other cells
runner         runs one submission's answers in a process of its own, fenced in
fence          what such a process may not do
report         CSV files and a page of the verdicts
"""
