"""The platform every domain stands on, and the entry points."""

import gc
import sys
import warnings

from pydantic import BaseModel
from pydantic.warnings import UnsupportedFieldAttributeWarning

# Loading us builds a million objects that stay: looking through them on the way is a quarter of the start.
gc.set_threshold(20_000, 20, 20)

# What validates a model is made when something is first validated by it. There are more than a thousand models, and a
# process meets a part of them: this takes 17 MiB off, and most of a second of the start.
BaseModel.model_config["defer_build"] = True
# FastAPI describes bodies in a way that this warns of, and silences it itself where it is not put off as it is here.
warnings.filterwarnings("ignore", "The 'alias' attribute", UnsupportedFieldAttributeWarning)

# structlog would load rich for coloured tracebacks that nobody gets to see: logs have none. The command line loads it.
if "rich" not in sys.modules:
    sys.modules["rich"] = None  # type: ignore[assignment]  # as Python says that there is none
    import structlog  # noqa: F401

    del sys.modules["rich"]
