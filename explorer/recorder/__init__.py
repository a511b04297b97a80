"""What a training script imports: restore, log, save. `with explorer.Run(config=…, bucket=…) as run:`"""

from explorer.recorder.restoring import Restored
from explorer.recorder.run import Run
from explorer.recorder.saving import Saved

__all__ = ["Restored", "Run", "Saved"]
