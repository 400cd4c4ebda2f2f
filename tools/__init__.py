"""What maintainers run, as modules from the root of the repository: python -m tools.bench."""

import sys

from tools import endings

# While `python -m` looks for the module that it will run, this is the name of the program. So early
# that Ctrl-C is a sentence also while PyTorch is being imported; who only imports us keeps his own.
if sys.argv[:1] == ["-m"]:
    endings.install()
