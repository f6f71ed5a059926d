# Copyright 2026 The unires-hf authors. Apache-2.0.
"""What a file says about the model that made it."""

from unires_hf.inference.origin import made_by


def test_thresholds_are_the_models_unless_given_and_a_hub_model_has_its_commit(segmenter, monkeypatch):
    own = made_by("tiny", segmenter)
    assert (own["model"], own["mask_threshold"]) == ("tiny", segmenter.processor.mask_threshold)
    assert "revision" not in own and made_by("tiny", segmenter, mask_threshold=0.2)["mask_threshold"] == 0.2
    monkeypatch.setattr(segmenter.model.config, "_commit_hash", "a1b2", raising=False)
    assert made_by("me/model", segmenter)["revision"] == "a1b2"
