"""Making A-GAME's model of its one file."""

from vosctl.errors import UsageError, WeightsError
from vosctl.systems.agame.model import AGAMEModel
from vosctl.systems.agame.network import AGAME, AGAMEOptions
from vosctl.systems.backbone import ResNet
from vosctl.systems.spec import LoadRequest
from vosctl.systems.weights_file import load_state


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
    try:
        options = AGAMEOptions(**file.options)
    except (TypeError, UsageError) as error:
        raise WeightsError(f"{file.path}: options that this version does not know: {error}") from None
    backbone = ResNet(request.architecture.backbone, dilated_layer4=True)
    network = AGAME(backbone.channels, options)
    load_state(backbone, file.part("backbone"), str(file.path))
    load_state(network, file.part("agame"), str(file.path))
    return AGAMEModel(name, backbone, network, source=str(file.path), sha256=file.sha256)
