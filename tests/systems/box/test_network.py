import torch

from vosctl.systems.box.network import MARGIN, SIZE, BoxNetwork, cut_square, put_back


def test_a_box_lies_at_the_same_place_of_its_square_wherever_it_is() -> None:
    frame = torch.zeros(1, 60, 90)
    for left, top, right, bottom in [(20, 10, 60, 40), (0, 0, 90, 60), (70, 30, 90, 60)]:
        frame.zero_()[:, top:bottom, left:right] = 1
        square = cut_square(frame, (left, top, right, bottom))[0]
        edge = round(SIZE * MARGIN / (1 + 2 * MARGIN))
        assert square.shape == (SIZE, SIZE)
        assert square[edge + 12 : -edge - 12, edge + 12 : -edge - 12].min() > 0.99
        assert square[: edge - 12].max() < 0.01
        assert square[:, -edge + 12 :].max() < 0.01


def test_putting_back_undoes_cutting() -> None:
    frame = torch.zeros(1, 60, 90)
    frame[:, 15:35, 60:85] = 1
    for box in [(55, 10, 90, 40), (0, 0, 90, 60)]:
        again = put_back(cut_square(frame, box)[0], box, 60, 90)
        assert again.shape == (60, 90)
        assert ((again > 0.5) != (frame[0] > 0.5)).sum() < 40


def test_the_network_is_deterministic_and_half_the_squares_size() -> None:
    torch.manual_seed(0)
    network = BoxNetwork().eval()
    squares = torch.rand(2, 3, SIZE, SIZE)
    with torch.no_grad():
        logits = network(squares)
        assert logits.shape == (2, SIZE // 2, SIZE // 2)
        assert torch.allclose(network(squares[1:]), logits[1:], atol=1e-4)
