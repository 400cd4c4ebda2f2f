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
# # Paint your first picture
#
# > **The question** Can a computer paint a photo the way somebody else painted? What goes in, and what comes out?
# > **You will make** one painting, a German town after *The Starry Night*, and save it as a file of your own.
# > **You need** nothing but this notebook and a little Python. A graphics card helps, but a laptop will do.
# > **Time** about 25 minutes to read and run, and 30 minutes for the exercises; the computing in it takes about 30 seconds on a laptop
#
# You run a notebook cell by cell, from top to bottom: click into a cell and press Shift and Enter. The first cell finds the
# other files of the series, so run it first. (On Colab you can have a graphics card for the asking: in the menu *Runtime*,
# choose *Change runtime type* and a GPU, before you begin.)

# %% tags=["setup"]
# <<setup>>

# %% [markdown]
# Is everything here? The next cell prints one line for each package that the series needs. If a line begins with
# `[missing]`, stop and install that package; `python do.py lab`, run in the folder of the series, does it for you.

# %%
from helpers.install import report

report();
# %% [markdown]
# ## Content plus style makes a painting
#
# Here is where we are going. On the left is a photo of the old town of Tübingen. In the middle is *The Starry Night*,
# which Vincent van Gogh painted in 1889. On the right is what a computer made of the two. Nobody drew a stroke of it.

# %% tags=["hero"]
from helpers.images import DATA, load
from helpers.show import show

hero = load(DATA / "results" / "first_painting.jpg", 512)
show(
    [load("tubingen_neckarfront", 512), load("starry_night", 512), hero],
    ["the content", "+ the style", "= the painting"],
    alt="A photo of gabled houses on a river; Van Gogh's Starry Night; and the houses "
    "painted in Van Gogh's strokes, under a sky with a great swirl and two stars.",
)

# %% [markdown]
# The houses stand where the photo has them, and everything is made of strokes that the photo never had. A big swirl turns
# in the empty sky, and a star shines among the houses. This one was painted beforehand at 1,024 pixels, in three rounds
# from small to large (`python -m tools.pictures.results first_painting` paints it again). In a moment you will paint the
# same pair yourself, at 320 pixels, which takes seconds instead of minutes.
#
# ## Two pictures go in
#
# The **content** image says *what* to paint. The **style** image says *how*. A computer stores an image as numbers, and
# each pixel has three of them: one for red, one for green and one for blue, here between 0 (dark) and 1 (bright). We keep
# all of them in one block of numbers, which PyTorch calls a [tensor](https://docs.pytorch.org/docs/stable/tensors.html).

# %% tags=["settings"]
# NBVAL_CHECK_OUTPUT
content = "tubingen_neckarfront"
style_name = "starry_night"
content_weight = 0.03
photo = load(content, size=320)
style = load(style_name, size=400)
print("photo", tuple(photo.shape), "style", tuple(style.shape))

# %% [markdown]
# (The line `# NBVAL_CHECK_OUTPUT` at the top of some cells is for our tests, which compare the numbers under such a
# cell. It does nothing else.) Read each shape as *one picture, three colours, height, width*. The two pictures need not have the same size. A style
# image that is a little larger than the photo gives broader strokes ([notebook 08](08_recipes_and_knobs.ipynb) turns this
# knob), which is why we take 400 pixels for 320. The third number, `content_weight`, will be explained in a moment.
#
# ## One number says how wrong a painting is
#
# In 2015, Leon Gatys, Alexander Ecker and Matthias Bethge
# [found a way](https://arxiv.org/abs/1508.06576) to let a network judge pictures. The network is called VGG19, and it had
# been trained to name what is on photos, such as cats, churches and coffee pots. It works in **layers**, one behind the
# other: the first looks at the pixels, and each of the others looks at what the layer before it computed. What a layer
# computes are **features**, maps that say where there is an edge, a curl, or a window. A name such as `relu4_2` is a
# layer's address: the second one in the fourth of five blocks. ([Notebook 01](01_inside_vgg19.ipynb) walks through all of
# them.) With these maps we can ask two questions about any painting.
#
# - *Are the same things in the same places as in the photo?* We compare the features of one deep layer of the network,
#   place by place. The result is the **content error**.
# - *Is it made of the same colours, strokes and textures as the style image?* We compare which features occur together,
#   no matter where. A table that holds this is called a **Gram matrix**, and [notebook 03](03_gram_matrices.ipynb) builds
#   one by hand. The result is the **style error**, and we take its mean over five layers.
#
# Both errors are 0 for a perfect match, and about 1 for an even grey picture. The whole method is in the function `loss`
# below: the style error, plus three hundredths of the content error. Do not worry about the details yet, because the next
# notebooks take them apart one by one. Let us first ask what the untouched photo scores.

# %%
# NBVAL_CHECK_OUTPUT
from helpers.losses import content_loss, gram, style_loss
from helpers.vgg import VGG

vgg = VGG()
photo = photo.to(vgg.device)
style = style.to(vgg.device)
layers = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]
style_targets = {layer: gram(features) for layer, features in vgg(style, layers).items()}
content_target = vgg(photo, ["relu4_2"])["relu4_2"]


def errors(image):
    features = vgg(image, layers + ["relu4_2"])
    style_errors = [style_loss(features[layer], style_targets[layer]) for layer in layers]
    return style_errors, content_loss(features["relu4_2"], content_target)


def loss(image):
    style_errors, content_error = errors(image)
    return sum(style_errors) / 5 + content_weight * content_error


print(f"loss of the untouched photo: {loss(photo).item():.2f}")

# %% [markdown]
# The content of the photo is perfect, so this number is all style. An even grey picture would score about 1, and by this
# measure the photo does about half as badly. (The errors are squared, so read them as grades and not as metres.)
#
# ## Painting means changing pixels until that number is small
#
# The network never changes. What changes is the picture: at each step we ask in which direction every pixel should move,
# and move all of them a little. We begin with the photo in Van Gogh's colours, and take 45 such steps. `fast` lets the
# network compute in half precision if your machine has units for that, and it tells you what it chose. Watch the picture
# change. If you want to stop early, press the stop button, and you keep the best picture so far.

# %% tags=["painting"]
from helpers.colours import matched_colour
from helpers.fast import fast, pyramid
from helpers.images import as_saved, save
from helpers.show import Progress
from helpers.transfer import optimise

steps = 45
fast(vgg)
start = matched_colour(photo, style)
painting = optimise(start, loss, steps, callback=Progress(steps), parametrize=pyramid).image
settings = {"content": content, "style": style_name, "content_weight": content_weight}
file = save(painting, "my_first_painting.png", settings | {"network": vgg.name})
show(
    as_saved(painting),
    height=480,
    alt="The houses of Tübingen in blue and yellow strokes, under a swirling sky.",
)

# %% [markdown]
# Yours is softer than the picture at the top of the page and has fewer stars, because it is smaller, and it was painted in
# one round instead of three. But it is all there. Look at the sky first. It was an
# even blue, so there was little to preserve, and the strokes could run as they do in Van Gogh's painting. Then look at the
# windows: they are still in their rows. They stood there at the start, and the content error makes it expensive to move them.
#
# The painting is a file, too. The next cell says where it lies, and on Colab, which forgets its files when you leave, it
# downloads it. (`save` has written the settings into the file, and `read_settings` gives them back.)

# %%
from helpers.files import download

download(file)

# %% [markdown]
# How near did we come? We measure the picture as it was saved, with its colours rounded to the 256 levels of a file.

# %% tags=["errors"]
style_errors, content_error = errors(as_saved(painting))
print(f"content error: {content_error.item():.2f}")
for layer, error in zip(layers, style_errors, strict=True):
    print(f"style error at {layer}: {error.item():.3f}")
print(f"mean of the five: {sum(style_errors).item() / 5:.3f}")

# %% [markdown]
# The style error was about a half for the photo, and is now a small fraction of that. The content error has grown from
# zero to about 0.7. That sounds bad, but we priced it at three hundredths, so the painting could afford it, and you can
# still recognise every house. [Notebook 05](05_the_total_loss.ipynb) is about this price.
#
# Nobody told the computer what a brush
# stroke is. The five tables in `style_targets` say which features occur together in *The Starry Night*, and changing the
# pixels until the painting has nearly the same tables did the rest. How a network comes to such features, and why a table
# of products is enough to say "style", is what the series explains, one question at a time.
#
# ## Exercises
#
# Every notebook has some. Where you write a function, the cell below it tells you whether it is right; hints and a solution
# are folded away.
#
# **Exercise 1 · predict** · ●○○ · 5 minutes. While it painted, the computer changed numbers until the loss was small. How
# many numbers of the *image* could it change, for a picture of 240 rows and 320 columns? And how many of the twenty million
# numbers of the *network* did it change? Write your two answers in place of the last line.


# %% tags=["spec", "folded"]
def changed_numbers():
    rows, columns = 240, 320
    return {"image": rows * columns * 3, "network": 0}


# %% tags=["exercise"]
def my_prediction():
    """How many numbers painting changes: {"image": ..., "network": ...}."""
    # solution
    return {"image": 3 * 240 * 320, "network": 0}


# %% tags=["check"]
from helpers.check import check

check(my_prediction, changed_numbers);
# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Look at the shape that the cell with the settings printed, and read the first sentence above the painting's cell again.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# The shape (1, 3, 240, 320) has as many numbers as its four parts multiplied. The network never changes.
#
# </details>
#
# <!-- solution: my_prediction -->
#
# **Exercise 2 · diagnose** · ●●○ · 10 minutes. A friend of yours wants strong strokes, sets `content_weight = 0.03`, and gets
# back the photo with hardly a stroke on it. Her function is below. What went wrong? Find the mistake, and write the loss
# that she meant. (The closed cell after it belongs to the check, and opening it would spoil the search.)

# %% tags=["spec"]
import torch


def loss_of_a_friend(style_errors, content_error, content_weight):
    return content_weight * sum(style_errors) / 5 + content_error


# %% tags=["spec", "folded"]
def fault(answer, style_errors, content_error, content_weight):
    answer = torch.as_tensor(answer)
    if answer.numel() != 1:
        return "the loss should be one number; have you added up the five errors?"
    style_error = style_errors.mean()
    if torch.isclose(answer, loss_of_a_friend(style_errors, content_error, content_weight)):
        return "this is still your friend's loss"
    if torch.isclose(answer, style_errors.sum() + content_weight * content_error):
        return "the style error is the mean over the five layers, and this is their sum"
    right = torch.isclose(answer, style_error + content_weight * content_error)
    return "" if right else "this is not the style error plus the weighted content error"


# %% tags=["exercise"]
def my_loss(style_errors, content_error, content_weight):
    """Five style errors (a tensor of shape (5,)), a content error and its weight -> the loss, one number."""
    # solution
    return sum(style_errors) / 5 + content_weight * content_error


# %% tags=["check"]
from helpers.check import each, judge

judge(my_loss, fault, (5,), torch.tensor(0.7), each(0.03, 0.3, 3.0), trials=3);

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Put numbers in: with a style error of 0.5 and a content error of 0.5, how much does each contribute to her loss?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# A term with a small weight is cheap to ignore. Which of the two terms should be the cheap one?
#
# </details>
#
# <!-- solution: my_loss -->
#
# **Exercise 3 · make a picture** · ●○○ · 15 minutes. Paint a picture that you would hang on a wall. Rename
# `my_first_painting.png` if you want to keep it. Then go back to the cell with the settings, set `content` to `"chelsea"`,
# `"roman_colosseum"` or `"river_otter"`, and `style_name` to `"munch_the_scream"`, `"hokusai_great_wave"` or `"mosaic"`, and
# run the cells from there on. `names("content")` and `names("style")` from `helpers.images` list everything that comes
# with the series, and `load("/path/to/photo.jpg")` takes a photo of your own. Last, change `content_weight` to 0.3 and to
# 0.003. Before you run it, say which of the two keeps the outlines.
#
# <details><summary>What to look for</summary>
#
# With 0.3 the photo wins: its outlines stay sharp, and strokes appear mostly where it is empty. With 0.003 the style wins,
# and things begin to dissolve into strokes. [Notebook 05](05_the_total_loss.ipynb) shows that the weight is a price. Pairs
# work best where the photo has both large empty areas and clear outlines, and where the style has more than one kind of
# mark. If the painting looks muddy, look at the two pictures side by side: a style can only give colours that it has.
#
# </details>
#
# ## The map
#
# <!-- map -->
#
# Read them in order for the whole story; with the exercises, that is ten or twelve evenings. If you would rather write
# the loop today and understand the rest later, begin with [notebook 06](06_painting_with_adam.ipynb). Every notebook
# can be run on its own, and repeats what it needs from earlier ones in a sentence. The series is for people who know
# some Python and have seen a little PyTorch; it derives everything else.
#
# **Which network is this?** It is the original [VGG19](https://arxiv.org/abs/1409.1556) of Karen Simonyan and Andrew
# Zisserman (Oxford, 2014), from which the papers started. (They scaled its channels; notebooks 04 and 05 say what that
# changes.) We keep its 16 convolutions, twenty million weights of two bytes each, which makes 40 MB. The three last layers, which
# give the names, are left out, because we never ask for a name. The file comes with the series, so nothing has to be
# downloaded, and all numbers in these notebooks were measured with it.
#
# **Will your picture be the same as mine?** Not to the last pixel. Sums of millions of numbers are rounded in another order
# on another machine, so a swirl may come out elsewhere. The kind of picture does not change.
#
# **What came after?** This method changes the pixels of one picture at a time. A year later,
# [Johnson, Alahi and Fei-Fei](https://arxiv.org/abs/1603.08155) trained a second network to do it in one pass, with the same
# two errors as its loss, and [Huang and Belongie](https://arxiv.org/abs/1703.06868) made one such network serve any style.
# Many of today's image generators are [diffusion models](https://arxiv.org/abs/2112.10752), which take a sentence
# instead of a painting. None of them shows you as plainly as this one what it optimises, and that is why we begin here.
#
# **Whose style is it?** The paintings in this series are old enough to belong to everybody, and a few patterns, such as the
# woodcut and the stained glass, were drawn for it. A living artist's work does not belong to everybody. Before you paint after
# somebody who can be asked, ask, and name them beside your picture.
#
# ## What to remember
#
# - A painting is found by changing the pixels of an image until one number, the loss, is small. The network stays as it is.
# - The loss adds two errors. The content error compares features place by place, and the style error compares which features
#   occur together.
# - The content weight decides between them: a large one keeps the photo, and a small one lets the style take over.
#
# ## Three questions
#
# Answer each in your own words before you unfold it.
#
# 1. You paint a portrait in front of a plain wall. Where do you expect the boldest strokes, and why?
#
# <details><summary>Answer</summary>
#
# On the wall. A stroke costs content error everywhere, because it adds features that the photo does not have. On the wall that is
# the whole price. In the face it would also wipe out the strong features of eyes and outlines, and that costs much more.
#
# </details>
#
# 2. A friend doubles the weights of both errors. What changes in her painting?
#
# <details><summary>Answer</summary>
#
# Nothing. The loss of every image is doubled, so the image with the smallest loss stays the same. Only the ratio of the two
# weights matters.
#
# </details>
#
# 3. What would come out if the content weight were zero?
#
# <details><summary>Answer</summary>
#
# Only the style would count, and it does not care where anything is. The photo would be no more than the place from which
# the search starts, and what comes out is a texture in Van Gogh's manner: [notebook 04](04_texture_from_statistics.ipynb)
# makes such pictures on purpose.
#
# </details>
#
# ## Notation
#
# You do not need this table yet. It is here for when you meet a letter later and want to look it up.
#
# <!-- notation -->
#
# ## Words
#
# <!-- glossary -->
#
# **Further reading.** Gatys, Ecker and Bethge, [A Neural Algorithm of Artistic Style](https://arxiv.org/abs/1508.06576)
# (2015): short, and the pictures alone are worth it.
# [Image Style Transfer Using Convolutional Neural Networks](https://www.cv-foundation.org/openaccess/content_cvpr_2016/papers/Gatys_Image_Style_Transfer_CVPR_2016_paper.pdf)
# (CVPR 2016) is the same method with all its formulas, and it is the paper that the series follows.
#
# <!-- bottom -->
