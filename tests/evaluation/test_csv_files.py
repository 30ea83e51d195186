from vosctl.evaluation.csv_files import write_csv_files

from .small_results import small_result


def test_the_tables_to_the_last_digit(tmp_path):
    write_csv_files(small_result(), tmp_path)
    assert (tmp_path / "global_results-val.csv").read_bytes() == (
        b"J&F-Mean,J-Mean,J-Recall,J-Decay,F-Mean,F-Recall,F-Decay\n0.606,0.662,0.500,0.050,0.550,0.250,0.100\n"
    )
    assert (tmp_path / "per-sequence_results-val.csv").read_bytes() == (
        b"Sequence,J-Mean,F-Mean\nbear_1,0.800,0.600\nbear_2,0.500,0.500\ncamel_1,0.850,0.600\ncamel_3,0.500,0.500\n"
    )


def test_nothing_is_written_where_nothing_was_scored(tmp_path):
    assert write_csv_files(small_result(scored=False), tmp_path) == ()
    assert list(tmp_path.iterdir()) == []
