"""Run by itself, with four devices that only this process has: what Orbax writes of sharded arrays, and how.

python orbax_writer.py FOLDER: checkpoints below FOLDER, what is in them as FOLDER/expected-SCALE.npz.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=4"

import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp
from jax.sharding import Mesh, NamedSharding, PartitionSpec

WAYS = {
    "ocdbt": {},
    "files": {"use_ocdbt": False},
    "zarr3": {"use_zarr3": True},
    "zarr3-files": {"use_zarr3": True, "use_ocdbt": False},
}


def tree(scale: float, cut: PartitionSpec) -> dict[str, object]:
    chance = np.random.default_rng(3)
    mesh = Mesh(np.array(jax.devices()).reshape(2, 2), ("x", "y"))
    wide = (chance.normal(size=(64, 96)) * scale).astype("f4")
    deep = (chance.normal(size=(6, 10, 1500)) * scale).astype("f4")
    return {
        "wide": jax.device_put(wide, NamedSharding(mesh, cut)),
        "deep": jax.device_put(deep, NamedSharding(mesh, PartitionSpec("x", "y"))),
        "half": jnp.asarray(wide, jnp.bfloat16)[:5, :7],
        "long": np.arange(400_000, dtype="i8") * int(scale),
        "noise": (chance.normal(size=400_000) * scale).astype("f4"),
        "flags": chance.normal(size=(9, 4)) > 0,
        "nothing": jnp.zeros((300, 20)),
        "small": jnp.asarray(chance.normal(size=(40,)), jnp.float8_e4m3fn),
        "one": jnp.float32(2.5 * scale),
    }


def main(folder: Path) -> None:
    for scale, cut in ((1.0, PartitionSpec("x", "y")), (3.0, PartitionSpec(("x", "y")))):
        found = tree(scale, cut)
        name = f"{scale:.0f}"
        for way, options in WAYS.items():
            ocp.Checkpointer(ocp.PyTreeCheckpointHandler(**options)).save(
                folder / way / name, {"params": found}
            )
        args = jax.tree.map(lambda _: ocp.SaveArgs(chunk_byte_size=1024), {"params": found})
        saved = ocp.args.PyTreeSave({"params": found}, save_args=args)
        ocp.Checkpointer(ocp.PyTreeCheckpointHandler()).save(folder / "chunks" / name, args=saved)
        np.savez(folder / f"expected-{name}.npz", **{k: np.asarray(v).astype("f8") for k, v in found.items()})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
