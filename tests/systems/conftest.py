"""The command line and a clip, for what is tried through them."""

from tests.cli.conftest import backbone as backbone
from tests.cli.conftest import clip as clip
from tests.cli.conftest import vosctl as vosctl
