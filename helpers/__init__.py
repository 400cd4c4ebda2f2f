"""The small toolbox of the series: what a notebook has derived, the next ones import from here.

images    file <-> tensor: load, save, read_settings, noise, as_saved, names, credit
show      tensor -> eye: show, plot, Progress; every picture carries a description
vgg       VGG19 and VGG16, by the paper's layer names
weights   a network's name -> its weights: the original VGG19 from data/weights, or torchvision's
transfer  the losses and the loop: gram, content_loss, style_loss, total_variation, optimise
fast      speed and memory, one trick a function: fast, products, pyramid, matched_colour
recipes   every published recipe as data: recipe, Objective, paint
check     checks of exercises and of the installation: check, close, report

Each file can be read in one sitting and imported alone. `images`, `vgg`, `transfer`, `fast` and `check` know
nothing of notebooks; `transfer` sees features and never a network.
"""
