"""The small toolbox of the series: what a notebook has derived, the next ones import from here.

images    file <-> tensor: load, save, read_settings, noise, as_saved, names, credit
show      tensor -> eye: show, plot, Progress; every picture carries a description
vgg       VGG16, VGG19 and the embedded vgg19-mini, by the paper's layer names
transfer  the losses and the loop: gram, content_loss, style_loss, total_variation, optimise
fast      speed and memory, one trick a function: products, half_precision, pyramid, matched_colour
recipes   every published recipe as data: recipe, Objective, paint
check     checks of exercises and of the installation: check, close, report

Each file can be read in one sitting and imported alone. `images`, `vgg`, `transfer`, `fast` and `check` know
nothing of notebooks; `transfer` sees features and never a network.
"""
