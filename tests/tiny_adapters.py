# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Configurations of models of transformers with a few thousand weights."""

from transformers import BertConfig, GroundingDinoConfig, Sam2Config, Sam3Config, SwinConfig


def sam3() -> Sam3Config:
    part = {"hidden_size": 16, "num_layers": 1, "num_attention_heads": 2, "intermediate_size": 20}
    return Sam3Config(
        vision_config={
            "backbone_config": {
                "model_type": "sam3_vit_model",
                "hidden_size": 16,
                "intermediate_size": 20,
                "num_hidden_layers": 2,
                "num_attention_heads": 2,
                "image_size": 56,
                "patch_size": 14,
                "pretrain_image_size": 28,
                "window_size": 2,
                "global_attn_indexes": [1],
            },
            "fpn_hidden_size": 16,
            "backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]],
        },
        text_config={
            "hidden_size": 16,
            "intermediate_size": 20,
            "projection_dim": 12,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "vocab_size": 520,
            "max_position_embeddings": 32,
            "bos_token_id": 518,
            "eos_token_id": 519,
            "pad_token_id": 519,
        },
        geometry_encoder_config=part,
        detr_encoder_config=part,
        detr_decoder_config={**part, "num_queries": 4},
        mask_decoder_config={"hidden_size": 16, "num_upsampling_stages": 2, "num_attention_heads": 2},
    )


def sam2() -> Sam2Config:
    return Sam2Config(
        vision_config={
            "backbone_config": {
                "model_type": "sam2_hiera_det_model",
                "hidden_size": 8,
                "image_size": [64, 64],
                "blocks_per_stage": [1, 1, 1, 1],
                "embed_dim_per_stage": [8, 16, 32, 64],
                "num_attention_heads_per_stage": [1, 2, 2, 2],
                "window_size_per_stage": [4, 4, 4, 4],
                "window_positional_embedding_background_size": [4, 4],
                "global_attention_blocks": [],
            },
            "backbone_channel_list": [64, 32, 16, 8],
            "backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]],
            "fpn_hidden_size": 16,
        },
        prompt_encoder_config={"hidden_size": 16, "image_size": 64, "patch_size": 16, "mask_input_channels": 4},
        mask_decoder_config={
            "hidden_size": 16,
            "mlp_dim": 20,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "iou_head_hidden_dim": 16,
        },
    )


def grounding_dino() -> GroundingDinoConfig:
    return GroundingDinoConfig(
        backbone_config=SwinConfig(
            image_size=64,
            embed_dim=8,
            depths=[1, 1, 1, 1],
            num_heads=[1, 1, 2, 2],
            window_size=2,
            out_features=["stage2", "stage3", "stage4"],
        ),
        text_config=BertConfig(
            hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=20, vocab_size=99
        ),
        d_model=32,
        encoder_layers=1,
        encoder_ffn_dim=20,
        encoder_attention_heads=2,
        decoder_layers=2,
        decoder_ffn_dim=20,
        decoder_attention_heads=2,
        num_queries=5,
        num_feature_levels=4,
        max_text_len=32,
    )
