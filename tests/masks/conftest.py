from tests.media.conftest import file_limit, make_video  # noqa: F401 (fixtures)
