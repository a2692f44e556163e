"""seqapp: recurrent sequence predictors from the command line, from raw data to a SavedModel."""

import logging
from pathlib import Path

__version__ = "0.2.0"

logging.getLogger(__name__).addHandler(logging.NullHandler())  # only the command line shows what is logged

# In a checkout the rooms lie beside this package, not in it (setup.cfg maps them under it when installed).
# Searching the parent folder too makes `seqapp.datasets` and `seqapp.models` the same names in both.
_beside = Path(__file__).resolve().parent.parent
if (_beside / "datasets" / "README.md").is_file() and (_beside / "models" / "README.md").is_file():
    __path__.append(str(_beside))
