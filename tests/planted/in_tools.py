"""Faults in do.py and in tools/."""

from tests.planted.operators import (
    always,
    argument,
    becomes,
    constant,
    dropped,
    entry,
    everywhere,
    instead_of_call,
    never,
    other_name,
    other_operator,
    reversed_order,
    swapped_arguments,
    uncaught,
    with_text,
    without_argument,
    without_division,
    without_entry,
    without_function,
    without_item,
    without_method,
    without_operand,
)
from tests.planted.planting import Fault, faults_in
from tests.planted.values import in_part, in_text, without_tag

ALIVE = "tests/tools/test_alive.py"
BENCH = "tests/tools/test_bench.py"
BUILD = "tests/tools/test_build.py"
DO = "tests/tools/test_do.py"
ENDINGS = "tests/tools/test_endings.py"
FORM = "tests/notebooks/test_form.py"
GRADE = "tests/tools/test_grade.py"
LINKS = "tests/notebooks/test_links.py"
OUTLINE = "tests/tools/test_outline.py"
PAGES = "tests/tools/test_pages.py"
PRINTED = "tests/tools/test_printed.py"
PUBLISH = "tests/tools/test_publish.py"
RESULTS = "tests/tools/test_results.py"
RUN = "tests/tools/test_run.py"
SETUP = "tests/tools/test_setup.py"
SMALL = "tests/tools/test_small_install.py"
SLIDES = "tests/tools/test_slides.py"
STYLES = "tests/tools/test_styles.py"
TEACH = "tests/tools/test_teach.py"

IN_DO = faults_in(
    "do",
    DO,
    ("an old Python let through", "check_python", never("OLDEST")),
    ("the packages of the tests left out", "own_environment", without_operand("+", "test")),
    ("an environment that stays as it was", "own_environment", without_item("wanted")),
    ("an environment of another place", "own_environment", without_item("VENV")),
    ("a Python that is gone", "own_environment", without_operand("or", "exists")),
    ("half an environment taken for a whole one", "make", dropped("unlink")),
    ("new packages in an old environment", "make_venv", constant("--clear", "--upgrade")),
    (
        "the words of the user lost",
        "work",
        argument("hand_over", 0, "[python, *COMMANDS[words[0]]]"),
    ),
    (
        "JupyterLab without its first notebook",
        "FIRST",
        constant("notebooks/00_start_here.ipynb", "00_start_here.ipynb"),
    ),
    ("nobody knows where the caller is", "hand_over", constant("NST_CALLER", "NST_NOBODY")),
    ("JupyterLab in the folder of the caller", "hand_over", dropped("chdir")),
    ("a reader who left as a failed setup", "main", uncaught("BrokenPipeError")),
    ("a closed output as a traceback", "prepare_to_print", never("stdout")),
    ("a setup that failed in silence", "run", never("returncode")),
    ("two installations at the same time", "lock", other_name("LOCK_EX", "LOCK_SH")),
    ("Ctrl-C as a traceback", "main", uncaught("KeyboardInterrupt")),
    ("an error of the system as a traceback", "main", uncaught("OSError")),
    ("Ctrl-C that ends too early on Windows", "hand_over", uncaught("KeyboardInterrupt")),
    ("everything installed again", "current_environment", always("lacking")),
    (
        "failures that count as success",
        "main",
        constant(1, 0),
        f"{DO}::test_an_error_of_the_system_is_one_sentence",
    ),
)

IN_DO_TORCH = faults_in(
    "do",
    SMALL,
    ("PyTorch for a card that is not there", "reachable_build", always("has_nvidia")),
    ("a driver without a card", "has_nvidia", without_operand("and", "value")),
    ("a stub taken for a driver", "has_nvidia", without_operand("and", "answers")),
    ("a computer without a driver as an error", "has_nvidia", uncaught("OSError")),
    ("no patience with an index", "silence", dropped("join")),
    ("an index that refuses, taken for one that answers", "silence", uncaught("Exception")),
    ("another build than the forced one", "fall_back", never("forced")),
    ("a fallback with the stamp of the other", "fall_back.return", becomes("'cpu'")),
    ("the other build asked for in vain", "own_environment", without_operand("or", "forced")),
    ("the other build in the old environment", "make.fit", without_operand("and", "forced")),
    ("a failure that ends the setup", "make", uncaught("OwnIndexFailed")),
    ("an old stamp without a build", "stamp", other_name("USUAL_BUILD", "build")),
    ("indexes of others asked for PyTorch", "install.only", becomes("None")),
    ("torchvision of any kind beside PyTorch", "install_beside.index", becomes("''")),
    ("a PyTorch of the user's replaced", "install_beside.wanted", becomes("lacking")),
    ("two builds at once", "one_build", never("len")),
    ("CUDA on a Mac", "one_build", never("darwin")),
)

IN_SITE_BUILD = faults_in(
    "tools.site.build",
    BUILD,
    ("a stub that holds the answer", "cut.return", becomes("source")),
    ("a folded solution with its marker", "folded", always("strip")),
    ("solved notebooks without solutions", "assemble", without_operand("and", "solved")),
    ("a difference that is not seen", "differences", never("old", "new")),
    ("a missing notebook that is not seen", "committed", never("is_file")),
    ("metadata that nobody compares", "differences", never("metadata", "fresh")),
    ("tags that are lost", "assemble", entry("tags", "[]")),
    (
        "a map that is not found",
        "links",
        constant(
            "[map of the series](00_start_here.ipynb#The-map)",
            "[map of the series](00_start_here.ipynb#the-map)",
        ),
    ),
    ("solved notebooks over those of the learners", "solve", never("NOTEBOOKS")),
    ("a failure that stops the build", "build", uncaught("FAILURES")),
    ("outputs lost with new text", "refreshed", dropped("outputs"), PUBLISH),
    ("new code with old outputs", "refreshed", never("code"), PUBLISH),
    ("a badge before there is an address", "badge", never("UNPUBLISHED"), PUBLISH),
    (
        "a badge to a branch of another name",
        "badge",
        constant("/blob/main/notebooks/", "/blob/master/notebooks/"),
        PUBLISH,
    ),
    (
        "half a clone with the name of a whole one",
        "SETUP",
        with_text('root.with_suffix(".part")', "root"),
        SETUP,
    ),
    ("a git that is missing", "SETUP", with_text('if not shutil.which("git")', "if False"), SETUP),
    ("a password that is asked for", "SETUP", with_text('"Username"', '"Password"'), SETUP),
    ("pages out of date and nobody told", "check", never("is_file")),
    ("links that leave one notebook out", "links", everywhere(constant(1, 2))),
    ("notebooks shown that do not exist", "series_table", always("written")),
    ("cards on one line", "assemble", instead_of_call("sub", "cell.source")),
    ("answers that lie open", "assemble", never("folded", "tags")),
    ("pages that are not printed", "with_pages", instead_of_call("sub", "source")),
    ("a check that ends well", "check", constant(1, 0)),
    (
        "tags that nobody compares",
        "differences",
        without_item("metadata"),
        f"{BUILD}::test_check_notices_a_tag_that_differs_from_the_source",
    ),
    (
        "notebooks built on a GPU",
        "execute",
        without_argument("update", "CUDA_VISIBLE_DEVICES"),
    ),
    ("live widgets in stored notebooks", "execute", dropped("pop")),
    ("exercises written out unsolved", "solve", without_argument("assemble", "solved")),
    ("masks left off the page", "pictures_page", without_entry("mask")),
    ("a newcomer in another folder", "first_lines", constant(2, 0), PUBLISH),
    ("a citation with an example", "with_address", never("UNPUBLISHED"), PUBLISH),
    (
        "lines to start with that stay as they were",
        "generated_files.text",
        becomes("readme.read_text(encoding='utf-8')"),
        PUBLISH,
    ),
)

IN_SITE_PUBLISH = faults_in(
    "tools.site.publish",
    PUBLISH,
    ("any text as an address", "address", never("plain")),
    ("an example as an address", "address", never("UNPUBLISHED")),
    ("an address that reaches no notebook", "main", instead_of_call("refresh", "0")),
)

IN_SITE_LAB = faults_in(
    "tools.site.lab",
    BUILD,
    ("the reader's Python in every notebook", "keep_language", never("python")),
)

IN_ENDINGS = faults_in(
    "tools.endings",
    ENDINGS,
    ("a reader who left as a complaint", "flush", uncaught("BrokenPipeError")),
    ("a full disk that is no failure", "flush", uncaught("OSError")),
    ("faults of the program in silence", "say", never("message")),
    ("a tool without an output", "install", never("getattr")),
    ("letters that stop a tool", "install", never("hasattr")),
    ("Ctrl-C of a tool as a traceback", "sentence", never("KeyboardInterrupt")),
)

IN_WORDS = faults_in(
    "tools.words",
    RUN,
    ("pages in the repository", "folder", constant("NST_CALLER", "NST_NOBODY")),
    ("a folder without a name", "folder", never("strip")),
    ("a cell that may take no time", "positive", never("isdecimal")),
    ("a name that nobody knows", "choose", never("matches")),
)

IN_SITE_MINUTES = faults_in(
    "tools.site.minutes",
    FORM,
    ("a reader who races", "WORDS_A_MINUTE", constant(180, 600)),
    ("exercises that take no time", "of_notebook", instead_of_call("sum", "0")),
    ("predictions made at once", "SECONDS_A_PREDICTION", constant(60, 6)),
)

IN_SITE_ENVIRONMENT = faults_in(
    "tools.site.environment",
    BUILD,
    ("names of PyPI for conda", "conda_line", argument("get", 0, "'python'")),
    ("comments that conda does not see", "conda_line", never("comment")),
    ("an upper bound for conda", "conda_line", never("parts")),
    ("CUDA for Binder", "binder", constant("- pytorch-cpu >", "- pytorch >")),
    ("Binder without JupyterLab", "binder", constant("jupyterlab>", "pytest>")),
)

IN_SITE_RUN = faults_in(
    "tools.site.run",
    RUN,
    ("failures that end well", "main", never("failures")),
    ("Ctrl-C that loses the pages", "run_all", uncaught("KeyboardInterrupt")),
    ("one damaged notebook that stops all", "run", uncaught("Mistake")),
    ("one failure that stops all", "attempt", uncaught("Exception")),
    ("the first line of an error", "describe", constant(1, 0)),
    ("time left of notebooks that are done", "Progress.left", without_operand("-", "elapsed")),
    ("the time of a failed run", "seconds_last_time", never("failure")),
    ("a line at each moment", "Progress.show", dropped("last_line")),
    ("less than no time left", "Progress.left", without_function("max")),
    (
        "a moving line in a log",
        "Progress.__init__",
        without_operand("and", "CI"),
        f"{RUN}::test_a_terminal_gets_a_moving_line_and_a_log_does_not",
    ),
    ("Ctrl-C that counts as a failure", "main", constant(130, 1)),
)

IN_SITE_PAGES = faults_in(
    "tools.site.pages",
    PAGES,
    ("outputs of an earlier run", "read", dropped("outputs"), RUN),
    ("pages that ask the network", "render", never("startswith")),
    ("scripts of others on a page", "render", dropped("decompose")),
    ("links to notebooks on pages", "redirected", never("suffix")),
    ("links without their place", "redirected", instead_of_call("geturl", "quote(path)")),
    ("pictures beside the page", "embedded", always("is_file")),
    ("a formula that stops the page", "formula", uncaught("Exception")),
    ("a formula with HTML in it", "formula", without_function("unescape")),
    ("a gallery without its paintings", "pictures", never("painting")),
    ("pictures of earlier runs", "save_pictures", dropped("unlink")),
    ("pages of notebooks that are gone", "Site.clean", dropped("unlink")),
    (
        "quotation marks in a description",
        "Site.__init__",
        argument("Environment", "autoescape", "False"),
    ),
    ("spoiled results that stop the run", "known_results", uncaught("ValueError")),
    ("results of another form", "known_results", always("is_result")),
    ("pages over the files of others", "claim", never("others")),
    ("a folder that is not marked", "claim", dropped("write_file")),
    ("a damaged notebook without a page", "Site.stored", uncaught("Mistake")),
    ("outputs of the series left out", "Site.stored", without_argument("read", "stored")),
    ("a search without words", "Site.index_words", dropped("write_file")),
    ("words of notebooks that are gone", "Site.clean", dropped("search")),
    ("pages without their letters", "Site.clean", dropped("fonts")),
    ("an empty corner read aloud as a heading", "render", dropped("corner")),
    ("minutes of the first notebook alone", "Site.index", instead_of_call("known_minutes", "[]")),
    ("minutes of a hundred seconds", "clock", constant(60, 100), RUN),
    (
        "pictures whose names have spaces",
        "embedded",
        without_function("unquote"),
        f"{PAGES}::test_a_picture_is_found_by_its_name_however_the_address_writes_it",
    ),
    (
        "frames of others on a page",
        "render",
        constant("script[src], link[href], iframe[src]", "script[src], link[href]"),
    ),
)

IN_SITE_OUTLINE = faults_in(
    "tools.site.outline",
    OUTLINE,
    ("the way shown twice", "drop_ways", always("ARROWS")),
    ("the way into the cloud lost", "drop_ways", dropped("extend")),
    ("exercises without headings", "arrange", dropped("name_exercises")),
    ("sentences about exercises as headings", "name_exercises", never("facts")),
    ("bold words in the middle of a sentence", "opening_words", always("previous_sibling")),
    ("answers outside their frame", "frame_predictions", dropped("append", "one")),
    ("a frame that swallows the next section", "frame_predictions", never("fullmatch")),
    ("folded setup that lies open", "fold_setup", dropped("fold")),
    ("every quotation a card", "set_card", never("labels")),
    ("outputs among the words", "collect", without_operand("and", "SILENT", "class")),
    ("minutes in the table of contents", "heading_text", dropped("decompose")),
)

IN_SITE_PRINTED = faults_in(
    "tools.site.printed",
    PRINTED,
    ("sentences as tables", "as_table", other_operator(">=", "<=", "numeric")),
    ("numbers as headings", "heading_cells", without_operand("or", "NUMBER")),
    ("a table that goes on into a sentence", "table_at", argument("range", 1, "end - 1")),
    ("headings above columns of others", "heading_cells", always("above")),
    ("coloured text that loses its colours", "tabulate", always("find")),
)

IN_SITE_ALIVE = faults_in(
    "tools.site.alive",
    ALIVE,
    ("a picture of other values", "Alive.choices", without_operand("*", "first")),
    ("parts on every page", "Alive.place", without_operand("or", "page")),
    ("a part after each of several cells", "Alive.place", always("cells")),
    ("a sum that is a list", "toy", constant(" + ", ", ")),
    ("still pictures as films", "moves", other_operator(">", ">=", "n_frames")),
    ("a film beside its player", "Alive.place", dropped("has-player")),
    ("a broken picture that stops the page", "moves", uncaught("OSError")),
    ("a page that stops without the data", "Alive.html", uncaught("FileNotFoundError")),
    ("frames cut to another size", "Alive.frame", other_operator("+", "-", "left", "width")),
)

IN_SITE_FRONT = faults_in(
    "tools.site.front",
    ALIVE,
    ("notebooks that no part shows", "Front.parts", never("left")),
    ("notebooks in two parts", "Front.parts", dropped("left", "own")),
    ("paintings that are not there", "Front.paintings", always("is_file")),
    ("pictures as large as they come", "Front.picture", never("LARGE")),
)

IN_ALIVE_TABLE = [
    Fault(
        "a part whose cell is gone",
        "tools/site/alive.toml",
        in_part("ratio", "after", "gone"),
        ALIVE,
    ),
    Fault(
        "one description for all pictures",
        "tools/site/alive.toml",
        in_part("grid", "alt", "Some painting."),
        ALIVE,
    ),
    Fault(
        "two frames cut from one place",
        "tools/site/alive.toml",
        in_part("ratio", "boxes", [[0, 0, 478, 269]] * 6),
        ALIVE,
    ),
]

IN_SITE_KERNEL = faults_in(
    "tools.site.kernel",
    RUN,
    (
        "any kernel of that name",
        "execute",
        without_argument("AsyncKernelManager", "kernel_spec_manager"),
    ),
    ("empty cells counted", "is_run", without_operand("and", "strip")),
    ("a cell without end", "execute", without_argument("NotebookClient", "timeout")),
    ("a kernel left behind", "execute", dropped("shutdown_kernel")),
    (
        "one print in pieces",
        "execute",
        without_argument("NotebookClient", "coalesce_streams"),
        BUILD,
    ),
)

IN_BENCH_PEERS = faults_in(
    "tools.bench.peers",
    BENCH,
    (
        "a peer's loss without its weight",
        "TutorialLoss.__call__",
        without_operand("*", "STYLE_WEIGHT"),
    ),
    ("a peer's Gram matrix that is ours", "TutorialLoss.gram", without_division()),
    ("a peer that never clamps", "Peer.run", never("clamps")),
    ("a peer with gradients that add up", "Peer.run", dropped("grad")),
    ("a peer that starts at the photo", "of_recipe", without_argument("Peer", "make_start")),
    ("a peer in another unit", "of_recipe", without_argument("Peer", "make_variable")),
    ("the image itself for the mean that is kept", "running_means", argument("append", 0, "image")),
    ("a mean over two sizes", "running_means", never("shape")),
    ("sizes left as they are", "StagedPeer.run", instead_of_call("reshaped", "image")),
    (
        "half a gradient of the plain products",
        "plain_products.multiply.return",
        becomes("F.detach() @ F.T"),
    ),
)

IN_BENCH_REPORT = faults_in(
    "tools.bench.report",
    BENCH,
    ("a name taken for a tag", "write_page", argument("Environment", "autoescape", "False")),
    ("columns of the first row", "columns_of.return", becomes("list(next(iter(rows.values())))")),
    ("theirs on both sides", "write_page.races", everywhere(argument("picture", 0, "path"))),
    ("all digits of a number", "as_text", never("value")),
    ("every picture a PNG", "picture.kind", becomes("'png'")),
)

IN_BENCH_HARDWARE = faults_in(
    "tools.bench.hardware",
    BENCH,
    ("a floor that forgets the way back", "multiply_adds", everywhere(constant(2, 1))),
    ("a floor with all sides equal", "multiply_adds", never("pool")),
)

IN_BENCH_OURS = faults_in(
    "tools.bench.ours",
    BENCH,
    (
        "an image that is one evaluation late",
        "first_reached",
        argument("range", 0, "first + 1"),
    ),
    ("a loss that is not scaled", "paint_ours.scale", becomes("1.0")),
    ("softening where it should not be", "paint_ours", never("softening")),
    ("memory kept where it should not be", "paint_ours", always("memory")),
    ("evaluations counted from nought", "first_reached", without_operand("+", "1")),
    ("images judged as they are", "first_reached", without_method("clamp")),
)

IN_BENCH_RACES = faults_in(
    "tools.bench.races",
    BENCH,
    ("a mean for a median", "median", other_name("median", "mean")),
    ("runs without a value", "known", always("None")),
    ("targets that cost the peer nothing", "heat", without_operand("+", "preparing")),
    ("a goal of eleven evaluations", "heat", constant(10, 11)),
    ("the best heat named the worst", "ranges", other_name("min", "max")),
    ("a range of one heat", "ranges", constant(1, 0)),
    ("ranges of what is no gain", "gains_of", always("startswith")),
)

IN_BENCH_COMMAND = faults_in(
    "tools.bench.__main__",
    BENCH,
    ("numbers of another machine", "stored", never("pop")),
    ("numbers of somebody else replaced", "stored", never("isinstance")),
)

IN_BENCH_MEMORY = faults_in(
    "tools.bench.memory",
    BENCH,
    ("x for y in a slope", "exponent", reversed_order("log")),
    ("a saving upside down", "memory", everywhere(swapped_arguments("ratio"))),
)

IN_BENCH_WORKERS = faults_in(
    "tools.bench.workers",
    BENCH,
    ("a worker that failed in silence", "worker", never("returncode")),
)

IN_COUNTDOWN = faults_in(
    "tools.countdown",
    BENCH,
    ("minutes for hours", "duration", constant(3600, 60)),
)

IN_PICTURES_PAINTING = faults_in(
    "tools.pictures.painting",
    RESULTS,
    ("each size from the photo", "coarse_to_fine", always("image", "None")),
    ("a style of one size for all", "coarse_to_fine", without_operand("*", "style_scale")),
    (
        "content added without its weight",
        "total_loss.loss",
        without_operand("*", "content_weight"),
    ),
    ("errors of what nobody sees", "style_errors", without_function("as_saved")),
    ("errors added and not averaged", "mean_style", without_division()),
    ("paintings painted again", "is_painted", always("is_file")),
    ("paintings of other settings kept", "is_painted", instead_of_call("all", "True")),
    ("a judge that pools otherwise", "save_painting", without_argument("VGG", "pool")),
    ("the style's size of the first stage", "Settings.style_size", constant(1, 0)),
)

IN_PICTURES_SHEETS = faults_in(
    "tools.pictures.sheets",
    RESULTS,
    ("tiles below their row", "in_rows", without_operand("-", "tile")),
)

IN_PICTURES_STYLE_MAP = faults_in(
    "tools.pictures.style_map",
    RESULTS,
    ("the largest distances as the smallest", "placed.return", becomes("axes[:, :2].flip(1)")),
    ("a map that is not mirrored", "turned.return", becomes("places")),
)

IN_PICTURES_MUSEUM = faults_in(
    "tools.pictures.museum",
    RESULTS,
    ("a bug that is none", "unscaled", without_operand("*", "std")),
)

IN_PICTURES_CHANNELS = faults_in(
    "tools.pictures.channels",
    RESULTS,
    ("images that go back to grey", "excite", constant(0.97, 0)),
    ("a gradient without its wide areas", "all_widths", without_operand("+", "blurred")),
)

IN_PICTURES_STYLES = faults_in(
    "tools.pictures.styles.__init__",
    STYLES,
    ("accidents without a seed", "draw", argument("default_rng", 0, "None")),
)

IN_PICTURES_STYLES_CANVAS = faults_in(
    "tools.pictures.styles.canvas",
    STYLES,
    ("noise of one octave", "noise", argument("range", 0, "1")),
    ("a blur without its bell", "blur", without_function("exp")),
    ("a path that begins in its middle", "trace", without_function("reversed")),
    ("points with holes between them", "scatter", everywhere(constant(2, 1))),
)

IN_TEACH = [
    *faults_in(
        "tools.teach.shelf",
        TEACH,
        (
            "solved notebooks among those of the learners",
            "Shelf.__init__",
            dropped("refuse_another_kind"),
        ),
        ("files removed that somebody else wrote", "Shelf.listed", dropped("is_inside")),
        ("old files that stay", "Shelf.close", dropped("unlink")),
    ),
    *faults_in(
        "tools.teach.handouts",
        TEACH,
        (
            "learners' notebooks with their solutions",
            "without_solutions",
            without_argument("assemble", "told"),
        ),
        ("a badge that leads to the solutions", "without_solutions_of", never("badge")),
        ("a setup cell that fetches the solutions", "without_solutions_of", never("setup")),
        ("a prediction that tells its answer", "without_solutions_of", never("spec")),
        ("outputs that say that nothing was solved", "solved", dropped("outputs")),
        ("folders of the series as a place for pages", "refuse_own", never("is_relative_to")),
    ),
    *faults_in(
        "tools.teach.moodle",
        TEACH,
        ("all options worth everything", "PENALTY", constant("-50", "0")),
        ("several right options that count alone", "choice", constant("false", "true")),
        ("feedback left out", "choice", dropped("feedback")),
        ("a number with a power of ten", "decimal.return", becomes("str(value)")),
        ("answers that learners see", "essay", constant("graderinfo", "questiontext")),
    ),
    *faults_in(
        "tools.teach.bank",
        TEACH,
        ("answers on the sheet", "block", without_operand("and", "with_answers")),
    ),
    *faults_in(
        "tools.teach.drift",
        TEACH,
        ("a lost section that nobody misses", "in_questions", never("headings")),
        ("a lost anchor that nobody misses", "lost", never("anchors")),
        ("a figure whose papers nobody asks for", "in_pictures", without_item("credit")),
        ("a cell of the slides that is gone", "in_slides", never("known"), SLIDES),
    ),
    *faults_in(
        "tools.teach.figures",
        TEACH,
        ("paintings without their photo and style", "results", never("manifest")),
        ("outputs left out of the pack", "outputs", never("picture")),
    ),
    *faults_in(
        "tools.teach.prerequisites",
        TEACH,
        ("a map that goes in a circle", "check_order", uncaught("CycleError")),
    ),
    *faults_in(
        "tools.teach.cut",
        SLIDES,
        ("setup cells on slides", "LEFT_OUT", constant("setup", "nothing")),
        ("solutions in the notes", "Cutter.details", constant("Solution", "solution")),
        ("an answer beside its question", "Cutter.details", never("shown")),
    ),
    *faults_in(
        "tools.teach.deck",
        SLIDES,
        ("pictures as large as they like", "placed", argument("min", 2, "99.0")),
        ("pictures without a description", "picture", with_text('alt="', 'title="')),
    ),
    *faults_in(
        "tools.teach.exercises",
        GRADE,
        ("an edited check that nobody notices", "changes", never("any", "form")),
        ("a specification defined twice", "changes", never("is_redefined")),
        ("helpers of the learner that are not found", "prelude", without_operand("or", "theirs")),
        ("the learner's version of what the notebook has", "body.return", becomes("()")),
    ),
    *faults_in(
        "tools.teach.submissions",
        GRADE,
        ("a link as a submission", "code_in", never("is_symlink")),
        ("another language", "code_in", never("language")),
        ("verdicts that are graded", "files_in", without_operand("and", "leave_out")),
    ),
    *faults_in(
        "tools.teach.runner",
        GRADE,
        ("files that an answer may remove", "CHANGING", without_entry("os.remove")),
        ("a network that is open", "Fence.asked", never("NETWORK")),
        ("a folder with a similar name", "Fence.holds", without_operand("+", "sep")),
        ("a file that is opened by number", "is_writing", never("isinstance", "set")),
        ("code that is replaced unseen", "Snapshot.look", never("FunctionType")),
    ),
    *faults_in(
        "tools.teach.grade",
        GRADE,
        ("the first answer in place of the last", "chosen.return", becomes("(tried or theirs)[0]")),
        ("secrets of the grader handed on", "environment.ours", becomes("dict(os.environ)")),
    ),
    *faults_in(
        "tools.teach.report",
        GRADE,
        ("formulas in a spreadsheet", "harmless", never("plain")),
        ("programs in a page", "templates", argument("Environment", "autoescape", "False")),
    ),
]

IN_STORED_NOTEBOOKS = [
    Fault(
        "a next link that leaves one out",
        "notebooks/03_gram_matrices.ipynb",
        in_text(r"\(04_texture_from_statistics\.ipynb\) →", "(05_the_total_loss.ipynb) →"),
        LINKS,
    ),
    Fault(
        "an anchor that is none",
        "notebooks/03_gram_matrices.ipynb",
        in_text("#The-map", "#The-Map"),
        LINKS,
    ),
    Fault("a tag that is lost", "notebooks/03_gram_matrices.ipynb", without_tag("hero"), LINKS),
]

FAULTS = [
    *IN_STORED_NOTEBOOKS,
    *IN_DO,
    *IN_DO_TORCH,
    *IN_ENDINGS,
    *IN_WORDS,
    *IN_SITE_BUILD,
    *IN_SITE_PUBLISH,
    *IN_SITE_LAB,
    *IN_SITE_MINUTES,
    *IN_SITE_ENVIRONMENT,
    *IN_SITE_RUN,
    *IN_SITE_PAGES,
    *IN_SITE_OUTLINE,
    *IN_SITE_PRINTED,
    *IN_SITE_ALIVE,
    *IN_SITE_FRONT,
    *IN_ALIVE_TABLE,
    *IN_SITE_KERNEL,
    *IN_BENCH_PEERS,
    *IN_BENCH_REPORT,
    *IN_BENCH_HARDWARE,
    *IN_BENCH_OURS,
    *IN_BENCH_RACES,
    *IN_BENCH_COMMAND,
    *IN_BENCH_MEMORY,
    *IN_BENCH_WORKERS,
    *IN_COUNTDOWN,
    *IN_PICTURES_PAINTING,
    *IN_PICTURES_SHEETS,
    *IN_PICTURES_STYLE_MAP,
    *IN_PICTURES_MUSEUM,
    *IN_PICTURES_CHANNELS,
    *IN_PICTURES_STYLES,
    *IN_PICTURES_STYLES_CANVAS,
    *IN_TEACH,
]
