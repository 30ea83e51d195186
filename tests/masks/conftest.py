from tests.media.conftest import make_video  # noqa: F401 (a fixture)
