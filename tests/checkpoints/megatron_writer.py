"""Run once for each rank: a small GPT of Megatron, cut over the ranks, saved and loaded by its own library.

python megatron_writer.py FOLDER RANK RANKS: FOLDER/STEP/iter_000000STEP, and what Megatron loads of it in
FOLDER/expected-STEP-RANK.pt. There is no GPU: what saving asks of CUDA is answered for the CPU.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from megatron.core import dist_checkpointing, parallel_state
from megatron.core.dist_checkpointing import ShardedTensor
from megatron.core.models.gpt import GPTModel
from megatron.core.models.gpt.gpt_layer_specs import get_gpt_layer_local_spec
from megatron.core.transformer import TransformerConfig

torch.cuda.synchronize = lambda *_: None
torch.cuda.current_device = lambda: "cpu"


def network(ranks: int) -> GPTModel:
    config = TransformerConfig(
        num_layers=2,
        hidden_size=16,
        num_attention_heads=4,
        use_cpu_initialization=True,
        tensor_model_parallel_size=ranks,
        pipeline_dtype=torch.float32,
        perform_initialization=True,
        gradient_accumulation_fusion=False,
    )
    return GPTModel(config, get_gpt_layer_local_spec(), vocab_size=64, max_sequence_length=8)


def main(folder: Path, rank: int, ranks: int) -> None:
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=ranks
    )
    parallel_state.initialize_model_parallel(tensor_model_parallel_size=ranks)
    torch.manual_seed(7)
    model = network(ranks)
    for step, scale in ((5, 1.0), (9, 1.5)):
        target = folder / str(step) / f"iter_{step:07}"
        if rank == 0:
            target.mkdir(parents=True)
        torch.distributed.barrier()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(scale)
        state = {"model": model.sharded_state_dict(), "iteration": step, "args": {"lr": 1e-3 * scale}}
        dist_checkpointing.save(state, str(target))
        loaded = dist_checkpointing.load(
            {"model": model.sharded_state_dict(), "iteration": 0, "args": None}, str(target)
        )
        places = {
            name: (told.key, tuple(told.global_shape), tuple(told.global_offset), loaded["model"][name])
            for name, told in model.sharded_state_dict().items()
            if isinstance(told, ShardedTensor)
        }
        torch.save(places, folder / f"expected-{step}-{rank}.pt")
        torch.distributed.barrier()
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
