"""The small toolbox of the series: what a notebook has derived, the next ones import from here.

From a picture to a painting:
    images     file <-> tensor: load, save, read_settings, noise, as_saved, names, credit
    weights    a network's name -> its weights
    vgg        VGG19 and VGG16 by the papers' layer names: an image goes in, features come out
    losses     gram, content_loss, style_loss, total_variation: pure functions of features
    transfer   the loop: optimise
    show       tensor -> eye: show, plot, heat, play, film, Progress, browse

Published programs:
    published  their inputs, statistics, errors and variations, one named function each
    recipes    each of them as data: recipe, Objective, paint

What a painting is told beside its recipe:
    colours    whose colours: luminance, colour_map, matched_colour
    masks      where: load_mask, polygon, at_layer
    control    both, and how much of which style: Controls, for paint

Beyond the Gram matrix:
    statistics nine distances between styles, from means to patches, and three of order

Beside the way:
    fast       speed, one trick a function: fast, pyramid; each can be left out
    soften     a strong style in fewer evaluations: optimise_softened
    large      a large painting in one call, from coarse to fine: paint_large
    memory     what a painting needs of memory, and what is free
    tiles      the same loss, tile by tile: TiledObjective
    explorer   all knobs of the recipes on one panel
    check      checks of exercises: check, judge, each, close
    install    is everything here that the series needs? report
    files      one way to write a file, one to take it home: write_file, download

Each file can be read in one sitting. An arrow from one to another runs in one direction only, and
nothing here imports `fast`, `large` or `explorer`, but that `large` is made of `fast`.
"""
