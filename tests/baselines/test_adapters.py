# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Adapters to models of a few thousand random weights answer as UniRES does, and go through the evaluator."""

import json

import pytest
import torch
from tiny_adapters import grounding_dino, sam2, sam3
from tiny_baselines import flat_batch
from tokenizers.pre_tokenizers import ByteLevel
from transformers import (
    BartConfig,
    BartTokenizer,
    CLIPImageProcessor,
    CLIPSegConfig,
    CLIPSegForImageSegmentation,
    Florence2Config,
    Florence2ForConditionalGeneration,
    Florence2Processor,
    GroundingDinoForObjectDetection,
    Sam2Model,
    Sam3Model,
)

from unires_hf.baselines.adapters import load_clipseg, load_grounded_sam2, load_sam3
from unires_hf.baselines.adapters.clipseg import ReferringCLIPSeg, clipseg_config, clipseg_processor
from unires_hf.baselines.adapters.florence2 import Florence2Output, ReferringFlorence2, ReferringFlorence2Processor
from unires_hf.baselines.outputs_baselines import START_LOGIT
from unires_hf.evaluation import evaluate_model

EXPRESSIONS = ["the red disk", "the blue box", "left of the box"]


@pytest.fixture
def rows(row):
    return [row]


def clipseg() -> CLIPSegConfig:
    tower = {"hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 20}
    return CLIPSegConfig(
        text_config={
            **tower,
            "vocab_size": 520,
            "max_position_embeddings": 20,
            "bos_token_id": 518,
            "eos_token_id": 519,
        },
        vision_config={**tower, "image_size": 32, "patch_size": 8},
        projection_dim=12,
        extract_layers=[0, 1],
        reduce_dim=8,
        decoder_num_attention_heads=2,
        decoder_intermediate_size=16,
    )


def florence2() -> tuple[ReferringFlorence2, ReferringFlorence2Processor]:
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    added = ["<image>", "<sep>", "<poly>", "</poly>", *(f"<loc_{place}>" for place in range(1000))]
    letters = sorted(ByteLevel.alphabet())
    tokenizer = BartTokenizer(
        vocab={token: index for index, token in enumerate([*special, *letters])},
        merges=[],
        extra_special_tokens={"image_token": "<image>"},
    )
    tokenizer.add_special_tokens({"additional_special_tokens": added})
    image_processor = CLIPImageProcessor(size={"height": 32, "width": 32}, crop_size={"height": 32, "width": 32})
    image_processor.image_seq_length = 2
    config = Florence2Config(
        text_config=BartConfig(
            vocab_size=len(tokenizer),
            d_model=16,
            encoder_layers=1,
            decoder_layers=1,
            encoder_attention_heads=2,
            decoder_attention_heads=2,
            encoder_ffn_dim=20,
            decoder_ffn_dim=20,
            bos_token_id=0,
            pad_token_id=1,
            eos_token_id=2,
            decoder_start_token_id=2,
            forced_eos_token_id=2,
        ),
        vision_config={
            "embed_dim": [8, 8, 8, 16],
            "depths": [1, 1, 1, 1],
            "num_heads": [1, 1, 1, 2],
            "num_groups": [1, 1, 1, 2],
            "window_size": 2,
            "projection_dim": 16,
        },
        image_token_id=tokenizer.image_token_id,
    )
    model = ReferringFlorence2(Florence2ForConditionalGeneration(config), {"max_new_tokens": 5, "do_sample": False})
    return model.eval(), ReferringFlorence2Processor(
        Florence2Processor(image_processor, tokenizer, post_processor_config={"polygons": {}})
    )


@pytest.fixture
def load_adapter(tmp_path, clip_tokenizer, bert_tokenizer):
    """A function from an adapter's name to its model and processor, at an input size that suits the tiny model."""

    def save(model, tokenizer=None):
        model.save_pretrained(tmp_path / type(model).__name__)
        if tokenizer is not None:
            tokenizer.save_pretrained(tmp_path / type(model).__name__)
        return tmp_path / type(model).__name__

    def load(name):
        torch.manual_seed(0)
        if name == "clipseg":
            return load_clipseg(save(CLIPSegForImageSegmentation(clipseg()), clip_tokenizer))
        if name == "sam3":
            return load_sam3(save(Sam3Model(sam3()), clip_tokenizer), image_size=56)
        if name == "florence2":
            return florence2()
        detector = save(GroundingDinoForObjectDetection(grounding_dino()), bert_tokenizer)
        (detector / "preprocessor_config.json").write_text(
            json.dumps(
                {
                    "image_processor_type": "GroundingDinoImageProcessor",
                    "size": {"shortest_edge": 96, "longest_edge": 128},
                }
            )
        )
        return load_grounded_sam2(detector, save(Sam2Model(sam2())), image_size=64)

    return load


NAMES = ("clipseg", "sam3", "grounded-sam2", "florence2")


@pytest.mark.parametrize("name", NAMES)
def test_evaluator_takes_a_peer(load_adapter, rows, name):
    model, processor = load_adapter(name)
    controls = ("all_foreground",) if name == "florence2" else ("all_foreground", "empty_expression")
    results = evaluate_model(model, processor, rows, mask_threshold=0.5, controls=controls, bootstrap=0)
    assert results.summary["n_expressions"] == 3


@pytest.mark.parametrize("name", NAMES)
def test_masks_have_the_size_of_their_picture(load_adapter, scene, name):
    model, processor = load_adapter(name)
    wide = scene.resize((80, 40))
    inputs = processor(images=[scene, wide], text=[EXPRESSIONS[:2], EXPRESSIONS[2:]], return_tensors="pt")
    sizes = inputs.pop("original_sizes")
    with torch.inference_mode():
        outputs = model(**inputs)
    assert outputs.image_indices.tolist() == [0, 0, 1]
    first, second = processor.post_process_referring_segmentation(outputs, sizes)
    assert [tuple(one["mask"].shape) for one in first] == [(48, 64)] * 2
    assert [tuple(one["mask"].shape) for one in second] == [(40, 80)]


@pytest.mark.parametrize("name", ("clipseg", "sam3", "grounded-sam2"))
def test_two_expressions_in_one_call_are_two_calls(load_adapter, scene, name):
    model, processor = load_adapter(name)
    texts = ["the red disk", "the blue box"]  # of one length, so that nothing is padded
    with torch.inference_mode():
        together = model(**inputs_of(processor, scene, texts))
        alone = [model(**inputs_of(processor, scene, [text])).logits[0] for text in texts]
    torch.testing.assert_close(together.logits, torch.stack(alone), rtol=1e-3, atol=1e-4)
    assert not torch.equal(together.logits[0], together.logits[1])


def inputs_of(processor, picture, texts):
    inputs = processor(images=[picture], text=[texts], return_tensors="pt")
    del inputs["original_sizes"]
    return inputs


def test_clipseg_is_the_published_model(load_adapter, scene):
    model, processor = load_adapter("clipseg")
    inputs = inputs_of(processor, scene, EXPRESSIONS[:2])
    with torch.inference_mode():
        ours = model(**inputs).logits
        theirs = CLIPSegForImageSegmentation.forward(
            model,
            pixel_values=inputs["pixel_values"].expand(2, -1, -1, -1),
            input_ids=inputs["input_ids"],
            attention_mask=inputs["attention_mask"],
        ).logits
    torch.testing.assert_close(ours, theirs)


def test_clipseg_trains_every_weight_that_is_not_frozen():
    model = ReferringCLIPSeg(clipseg()).train()
    batch = flat_batch(images=2, expressions=3, size=32)
    model(**batch, labels=torch.rand(3, 16, 16).round()).loss.backward()
    for name, weight in model.named_parameters():
        assert (weight.grad is not None) == weight.requires_grad, name


def test_clipseg_preset_is_of_the_size_of_the_others(clip_tokenizer):
    config = clipseg_config()
    with torch.device("meta"):
        weights = sum(weight.numel() for weight in ReferringCLIPSeg(config).parameters())
    assert 5.0e6 < weights < 6.0e6
    assert clipseg_processor(clip_tokenizer, 128).image_processor.size == {"height": 128, "width": 128}


def test_sam3_takes_the_instance_of_the_highest_score(load_adapter, scene):
    model, processor = load_adapter("sam3")
    inputs = inputs_of(processor, scene, EXPRESSIONS[:1])
    with torch.inference_mode():
        ours = model(**inputs)
        del inputs["image_indices"]
        theirs = Sam3Model.forward(model, **inputs)
    torch.testing.assert_close(ours.logits[0], theirs.pred_masks[0, theirs.pred_logits[0].argmax()])
    torch.testing.assert_close(ours.presence_logits, theirs.presence_logits[:, 0])


def test_grounded_sam2_asks_as_grounding_dino_was_trained(load_adapter, scene):
    _, processor = load_adapter("grounded-sam2")
    inputs = processor(images=[scene], text=[["The red disk"]], return_tensors="pt")
    assert processor.tokenizer.decode(inputs["input_ids"][0]) == "[CLS] the red disk. [SEP]"
    assert inputs["detector_pixel_values"].shape == (1, 3, 96, 128)
    assert inputs["pixel_values"].shape == (1, 3, 64, 64)


def test_grounded_sam2_prompts_with_the_best_box_in_pixels(load_adapter, scene):
    model, processor = load_adapter("grounded-sam2")
    inputs = inputs_of(processor, scene, EXPRESSIONS[:1])
    prompts = []

    def detect(module, arguments, outputs):
        outputs.pred_boxes = torch.tensor([[[0.5, 0.5, 1.0, 1.0], [0.25, 0.5, 0.5, 0.25]]])  # centers and sides
        outputs.logits = torch.tensor([[[0.1, -1.0], [0.2, -3.0]]])
        return outputs

    model.detector.register_forward_hook(detect)
    model.segmenter.prompt_encoder.register_forward_pre_hook(
        lambda module, arguments, options: prompts.append(options["input_boxes"].clone()), with_kwargs=True
    )
    with torch.inference_mode():
        model(**inputs)
    assert prompts[0].tolist() == [[[0.0, 24.0, 32.0, 40.0]]]


def test_polygons_of_florence2_become_masks():
    _, processor = florence2()
    written = [
        "</s><s><loc_0><loc_0><loc_499><loc_0><loc_499><loc_499><loc_0><loc_499></s>",  # the upper left quarter
        "</s><s>the box</s>",
    ]
    tokens = [processor.tokenizer.encode(text, add_special_tokens=False) for text in written]
    length = max(map(len, tokens))
    outputs = Florence2Output(
        sequences=torch.tensor([row + [1] * (length - len(row)) for row in tokens]), image_indices=torch.tensor([0, 0])
    )
    ((quarter, nothing),) = processor.post_process_referring_segmentation(outputs, [(100, 200)], text=EXPRESSIONS[:2])
    assert quarter["mask"][10:40, 10:90].all() and not quarter["mask"][60:].any()
    assert abs(quarter["mask"].sum().item() - 50 * 100) < 300
    assert quarter["label"] == EXPRESSIONS[0] and nothing["is_empty"] and not nothing["mask"].any()


def test_clipseg_starts_with_empty_masks_and_keeps_what_was_loaded(tmp_path):
    torch.manual_seed(0)
    model, batch = ReferringCLIPSeg(clipseg_config()), flat_batch(images=2, size=128)
    logits = model(**batch).logits
    assert logits.mean().item() == pytest.approx(START_LOGIT, abs=0.1) and logits.std() < 0.1
    torch.nn.init.constant_(model.decoder.transposed_convolution[-1].bias, 0.5)
    model.save_pretrained(tmp_path)
    loaded = ReferringCLIPSeg.from_pretrained(tmp_path)
    assert loaded.decoder.transposed_convolution[-1].bias.item() == 0.5
    config = clipseg()
    config.use_complex_transposed_convolution = False
    plain = ReferringCLIPSeg(config)
    assert plain.decoder.transposed_convolution.bias.item() == START_LOGIT


def test_clipseg_changes_the_attention_of_its_decoder_too():
    model = ReferringCLIPSeg(clipseg())
    for implementation in ("eager", "sdpa"):
        model.set_attn_implementation(implementation)
        configs = [module.config for name, module in model.named_modules() if name.endswith("self_attn")]
        assert {config._attn_implementation for config in configs} == {implementation}
        assert len(configs) == 3 + 3 + 2
