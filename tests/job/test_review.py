from vosctl.job.frame_log import FrameEntry, ObjectInFrame
from vosctl.job.review import Review, Span


def test_spans_of_lost_and_doubtful_frames() -> None:
    review = Review()
    confidences = [1.0, 0.9, 0.6, 0.9, 0.65, 0.9, 0.9, 0.9, 0.9, 0.6, 0.1, 0.2, 0.9, 0.1]
    for index, confidence in enumerate(confidences):
        objects = {1: ObjectInFrame(confidence, 500)}
        if index >= 4:  # joins later; its last pixels go at frame 12, however sure they are
            objects[2] = ObjectInFrame(0.99, 500 if index < 12 else 9)
        review.add(FrameEntry(index, "", objects))
    assert review.lost == (Span(1, 10, 11), Span(2, 12, 13), Span(1, 13, 13))
    assert review.review == (Span(1, 2, 4), Span(1, 9, 9))
    assert [span.frames for span in review.review] == ["2-4", "9"]
