"""Everything that vosctl raises on purpose, and the exit code each error ends the command with.

VosctlError                 2
├── UsageError              2   arguments that do not fit together
├── JobsError               2   a list of clips that cannot be read or followed
├── ClipsFailedError        1   some of several clips; the others are done
├── SequencesFailedError    1   some of a data set's sequences; the others have been run and scored
├── ClipError               2   a clip that cannot be opened or has no picture
│   └── TruncatedClipError  3   a clip that breaks off; what came before the break is kept
├── MaskError               2   a mask that cannot be read, or does not fit its clip
├── WeightsError            2   a model that is unknown, broken or not the one that was asked for
├── DatasetError            2   a data set that is missing or not in the layout that it must have
├── OutputError             2   a result that cannot be written
│   └── ClosedPipeError     2   whoever read a result from a pipe has had enough; caught, the run ends well
│       └── ClosedOutputError 141  whoever read what the command prints has had enough
├── DeviceError             2   a device or dtype that this machine does not have
├── ObjectLostError         4   a run that was to end where an object is lost
└── InterruptedRunError   130   Ctrl-C in a run that can go on; 143 where it was TERM, 129 where it was HUP

Each message is one line: what was given, what was found, what was expected, what to do.
"""


class VosctlError(Exception):
    """The base of all errors that end a command with one line and no traceback."""

    exit_code = 2
    label = "error"
    """The line that tells of the error begins with it."""


class UsageError(VosctlError):
    """Arguments that do not fit together."""


class JobsError(VosctlError):
    """A list of clips that cannot be read or followed."""


class ClipsFailedError(VosctlError):
    """Some of several clips failed; the others are done."""

    exit_code = 1


class SequencesFailedError(VosctlError):
    """Some sequences gave no masks; the others have been run, scored and written."""

    exit_code = 1


class ClipError(VosctlError):
    """A clip that cannot be opened or holds no picture."""


class TruncatedClipError(ClipError):
    """A clip that breaks off or is damaged in the middle; the frames that there are have been yielded."""

    exit_code = 3


class MaskError(VosctlError):
    """A mask that cannot be read, cannot be understood, or does not fit its clip."""


class WeightsError(VosctlError):
    """A model that is unknown, broken, or not what was asked for."""


class DatasetError(VosctlError):
    """A data set that is missing or not in the expected layout."""


class OutputError(VosctlError):
    """A result that cannot be written."""


class ClosedPipeError(OutputError):
    """Whoever read a result from a pipe has gone."""


class ClosedOutputError(ClosedPipeError):
    """Whoever read what the command prints has gone, as `head` does; nothing is to be said of it."""

    exit_code = 141


class DeviceError(VosctlError):
    """A device or dtype that this machine does not have."""


class ObjectLostError(VosctlError):
    """An object is lost, and the run was to end there; what came before is kept."""

    exit_code = 4
    label = "stopped"


class InterruptedRunError(VosctlError):
    """The command was told to end, by Ctrl-C for example; every file is whole, and the run can go on."""

    exit_code = 130
    label = "interrupted"

    def __init__(self, way: str) -> None:
        """Make the message; `way` says how to go on."""
        super().__init__(f"every file written so far is whole; {way}")


CUT_SHORT = (KeyboardInterrupt, TruncatedClipError, ObjectLostError)
"""What ends a clip early: a result that is one file is completed with the frames so far."""
