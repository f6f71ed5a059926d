#!/bin/sh
# Trains `default` again without each of its additions, at equal steps, and writes the table of docs/results.md:
#
#     sh scripts/ablate_photographs.sh runs/photographs/data runs/ablation-photographs
#
# DATA holds what scripts/train_photographs.sh has converted. All runs start from the encoders and the backbone of
# `default`; decoders, filters, groups and heads start from random weights. A run takes 10 minutes of one CPU core. What is
# finished is not made again; each check below asks for a file that is written after the weights.
set -e
data=$1; out=$2
sources="$data/clothing_co_parsing $data/car_parts $data/building_facades $data/coco $data/horses $data/faces"

[ -f "$out/encoders/processor_config.json" ] || python -c "
from pathlib import Path
from unires_hf.checkpoints import checkpoint_path
from unires_hf.experiments.ablation import save_encoders
save_encoders(checkpoint_path('default'), Path('$out/encoders'))"

learn() {  # NAME OVERRIDES ARGUMENTS
    name=$1; overrides=$2; shift 2
    [ -f "$out/$name/trainer_state.json" ] || python scripts/run_finetuning.py --output_dir "$out/$name" \
        --model_name_or_path "$out/encoders" --allow_new_weights true --config_overrides "$overrides" --freeze backbone \
        --image_size 224 --resize_mode squash --max_text_length 20 --train_data $sources \
        --train_weights 28 24 14 26 5 3 --images_per_epoch 1000000 --draw_expressions true --augment true \
        --horizontal_flip true --expressions_per_image 5 --per_device_train_batch_size 12 --bf16 true \
        --learning_rate 1e-3 --clip_learning_rate 1e-4 --weight_decay 0.01 --warmup_epochs 0 --warmup_steps 20 \
        --max_steps 150 --average_weights 0.95 --save_strategy no --dataloader_num_workers 0 "$@"
}
names="--backbone efficientnet-lite2 --class_direction_weight 0.3"
learn all '{}' $names
learn no-groups '{"num_low_level_group_tokens": 0, "num_high_level_group_tokens": 0}' $names
learn no-similarity '{"beyond_paper": ["class_similarity", "decoder_positions", "token_embeds"]}' $names
learn no-positions '{"beyond_paper": ["similarity", "class_similarity", "token_embeds"]}' $names
learn no-tokens '{"beyond_paper": ["similarity", "class_similarity", "decoder_positions"]}' $names
learn no-classes '{"beyond_paper": ["similarity", "decoder_positions", "token_embeds"]}'
learn paper '{"beyond_paper": []}'

python scripts/compare_on_photographs.py --out "$out/table" --tune-split none --panel-rows 0 --data $sources \
    --runs all="$out/all" "no groups and no stage 2=$out/no-groups" "no similarity=$out/no-similarity" \
    "no class similarity=$out/no-classes" "no decoder positions=$out/no-positions" \
    "no token embeddings=$out/no-tokens" "none of the four=$out/paper"
