"""Making A-GAME's model of its one file."""

from dataclasses import asdict

from vosctl.errors import UsageError, WeightsError
from vosctl.systems.agame.model import AGAMEModel
from vosctl.systems.agame.network import AGAME, AGAMEOptions
from vosctl.systems.backbone import ResNet
from vosctl.systems.spec import LoadRequest
from vosctl.systems.weights_file import WeightsFile, load_state
from vosctl.systems.weights_state import show

_MOST_CHANNELS = 1024  # so that a file's options cannot ask for more memory than there is


def load_agame(request: LoadRequest) -> AGAMEModel:
    """Make the model, not yet prepared for a device.

    Raises:
        WeightsError: there is no file, other weights are to be mixed in, or the file does not fit.
    """
    name, file = request.name, request.file
    if request.backbone or request.refinement:
        raise WeightsError(
            f"{name}: an A-GAME model is one file; leave out --backbone-weights and --refinement"
        )
    if file is None:
        raise WeightsError(f"{name}: no weights at hand; name a model file, as 'vosctl weights export' makes")
    options = _options_of(file)
    backbone = ResNet(request.architecture.backbone, dilated_layer4=True)
    network = AGAME(backbone.channels, options)
    load_state(backbone, file.part("backbone"), str(file.path))
    load_state(network, file.part("agame"), str(file.path))
    return AGAMEModel(name, backbone, network, source=str(file.path), sha256=file.sha256)


def _options_of(file: WeightsFile) -> AGAMEOptions:
    """The network's options, of the kinds and sizes that it can have.

    Raises:
        WeightsError: this version does not know one, or cannot make a network of it.
    """
    defaults = asdict(AGAMEOptions())
    for name, value in file.options.items():
        if name not in defaults or type(value) is not type(defaults[name]):
            raise WeightsError(
                f"{file.path}: options that this version does not know: {show(name)} is {show(value)}; "
                f"expected {', '.join(defaults)}"
            )
    try:
        options = AGAMEOptions(**file.options)
    except UsageError as error:
        raise WeightsError(f"{file.path}: options that do not fit together: {error}") from None
    if max(options.width, options.encoding) > _MOST_CHANNELS:
        raise WeightsError(
            f"{file.path}: width {show(options.width)}, encoding {show(options.encoding)}: expected at most "
            f"{_MOST_CHANNELS}; export the file again"
        )
    return options
